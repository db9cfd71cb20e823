/** `image inspect`, normalised. */
import type { ImageInfo } from './driver.ts';
import { reader, readOne, type Source } from './parse.ts';

/** The image that the answer tells of. */
export function readImage(stdout: string, source: Source): ImageInfo {
  const image = reader(readOne(stdout, source), source);
  const id = image.text('Id');
  return {
    // podman prints bare hex where docker prints sha256:… (engines.md §3).
    id: id.includes(':') ? id : `sha256:${id}`,
    // Docker 29 omits empty Config keys (engines.md §3).
    user: image.record('Config', 'optional').text('User', ''),
    digests: image.texts('RepoDigests'),
  };
}
