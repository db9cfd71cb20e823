/** Patterns of images, as `docker.allowed_images` has them. Pure. */

/** A reference in its parts, with what the engines add to a short one. */
interface Parts {
  readonly name: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/**
 * True when the image fits one of the patterns. In a pattern `*` stands for any characters but `/`, `**` for any at all.
 * `node` means `docker.io/library/node`, as an image's name does. A pattern without a tag or digest takes every one; one
 * with a digest takes just that. No pattern takes no image.
 */
export function fitsImage(patterns: readonly string[], image: string): boolean {
  const asked = parts(image);
  return patterns.some((text) => {
    const pattern = parts(text);
    if (!fits(pattern.name, asked.name)) return false;
    if (pattern.digest !== undefined && pattern.digest !== asked.digest) return false;
    return pattern.tag === undefined || fits(pattern.tag, tagOf(asked));
  });
}

/** The one of these names with a digest that is the image's own, else any: the digest is of the same bytes. */
export function digestOf(image: string, digests: readonly string[]): string | undefined {
  const { name } = parts(image);
  return digests.find((one) => parts(one).name === name) ?? digests[0];
}

/** With a digest the tag is decoration: the engine takes what the digest says. */
function tagOf({ tag, digest }: Parts): string | undefined {
  return digest === undefined ? (tag ?? 'latest') : undefined;
}

function parts(reference: string): Parts {
  const at = reference.indexOf('@');
  const named = at < 0 ? reference : reference.slice(0, at);
  const colon = named.lastIndexOf(':');
  const hasTag = colon > named.lastIndexOf('/');
  return {
    name: withHost(hasTag ? named.slice(0, colon) : named),
    tag: hasTag ? named.slice(colon + 1) : undefined,
    digest: at < 0 ? undefined : reference.slice(at + 1),
  };
}

/** The first part is a host when it has a dot or a port, or is localhost; `*` may stand for one where it says so. */
function withHost(name: string): string {
  const [first = '', ...rest] = name.split('/');
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost' || first === '**');
  if (isHost || name === '**') return name.replace(/^index\.docker\.io\//, 'docker.io/');
  return rest.length === 0 ? `docker.io/library/${name}` : `docker.io/${name}`;
}

function fits(pattern: string, text: string | undefined): boolean {
  if (text === undefined) return false;
  const source = pattern
    .split(/(\*\*|\*)/)
    .map((part) => (part === '**' ? '.*' : part === '*' ? '[^/]*' : part.replaceAll(/[^\w]/g, '\\$&')))
    .join('');
  return new RegExp(`^${source}$`).test(text);
}
