/** para's own name on commits that are nobody's work, such as snapshots: a machine without an identity has them too. */
export const PARA_IDENTITY = {
  GIT_AUTHOR_NAME: 'para',
  GIT_AUTHOR_EMAIL: 'para@localhost',
  GIT_COMMITTER_NAME: 'para',
  GIT_COMMITTER_EMAIL: 'para@localhost',
} as const;
