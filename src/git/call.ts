/** What a git command is, as data. */

/** Environment variables; `undefined` removes one. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** Where git works. What is left out is git's own default for that `gitDir`. */
export interface Place {
  readonly gitDir?: string | undefined;
  readonly commonDir?: string | undefined;
  readonly workTree?: string | undefined;
  readonly indexFile?: string | undefined;
}

/** One git command. */
export interface GitCall {
  readonly args: readonly string[];
  readonly place?: Place | undefined;
  /** Default: the work tree, else the git directory, else `/`. */
  readonly cwd?: string | undefined;
  readonly input?: string | Uint8Array | undefined;
  /** Extra `-c key=value` settings of this call. */
  readonly config?: readonly string[] | undefined;
  readonly env?: Variables | undefined;
  /** The call changes nothing: take no optional locks. */
  readonly read?: boolean | undefined;
  /** `off` (default): only git-lfs's own filter runs, and fetches nothing; `user`: all of the user's (a trusted base's checkout). */
  readonly filters?: 'off' | 'user' | undefined;
  /** Turn filters off even where it costs one more git call; set by calls that read file contents. */
  readonly contents?: boolean | undefined;
  /** Most bytes of an answer; more is ENGINE_OUTPUT_UNREADABLE. */
  readonly maxBuffer?: number | undefined;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}
