/** The kind of project a tree holds, by the files at its top: the key into `docker.image_mappings`. */
const MARKERS: readonly (readonly [string, RegExp])[] = [
  ['rust', /^Cargo\.toml$/],
  ['node', /^package\.json$/],
  ['python', /^(requirements\.txt|setup\.py|pyproject\.toml)$/],
  ['go', /^go\.mod$/],
  ['java', /^(pom\.xml|build\.gradle(\.kts)?)$/],
  ['ruby', /^Gemfile$/],
  ['php', /^composer\.json$/],
  ['dotnet', /\.(csproj|fsproj|sln)$/],
];

/** The first kind, in the order above, whose marker is among the names; undefined when none is. */
export function projectType(topLevelNames: readonly string[]): string | undefined {
  return MARKERS.find(([, marker]) => topLevelNames.some((name) => marker.test(name)))?.[0];
}

/** Where an image came from, for people who wonder. */
export type ImageSource = '--image' | '.para/docker.json' | `image_mappings.${string}` | 'default_image';

/** Image by flag, then docker.json, then project type, then default (the seed's order). */
export function chooseImage(choice: {
  readonly flag: string | undefined;
  readonly file: string | undefined;
  readonly mappings: Readonly<Record<string, string>>;
  readonly project: string | undefined;
  readonly fallback: string;
}): { readonly image: string; readonly source: ImageSource } {
  if (choice.flag !== undefined) return { image: choice.flag, source: '--image' };
  if (choice.file !== undefined) return { image: choice.file, source: '.para/docker.json' };
  const mapped = choice.project === undefined ? undefined : choice.mappings[choice.project];
  if (mapped !== undefined) return { image: mapped, source: `image_mappings.${choice.project ?? ''}` };
  return { image: choice.fallback, source: 'default_image' };
}
