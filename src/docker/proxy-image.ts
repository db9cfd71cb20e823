/**
 * The image of a restricted session's proxy, made of what para itself runs on: the node binary and the libraries that it
 * has loaded. Nothing is pulled, and nothing else is in it: no shell, and no file to write to.
 */
import { createHash } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { ParaError } from '../errors.ts';
import type { DockerService, Labels } from './service.ts';

/** What makes it para's own among images. */
export const PROXY_IMAGE_LABELS: Labels = { 'para.schema': '1', 'para.role': 'proxy-image' };

/** An image, and how node is started in it. */
export interface ProxyImage {
  readonly image: string;
  readonly node: string;
}

/** Where node is in the image that para makes. */
const NODE = '/para/node';

/** The image, by a name that tells of which node it is; asks no engine. @throws REFUSED where it can not be made */
export async function proxyImage(): Promise<ProxyImage> {
  requireLinux();
  const { size, mtimeMs } = await stat(process.execPath);
  const node = [process.version, process.arch, process.execPath, size, mtimeMs, NODE].join(' ');
  const hash = createHash('sha256').update(node).digest('hex');
  return { image: `localhost/para-proxy:${hash.slice(0, 12)}`, node: NODE };
}

/** Makes it unless it is there. Callers take turns. @returns true when it was made */
export async function ensureProxyImage(service: DockerService, { image }: ProxyImage): Promise<boolean> {
  if (await service.imageExists(image)) return false;
  await service.importImage(image, await archive(), PROXY_IMAGE_LABELS);
  return true;
}

/** The engine runs what this machine does. @throws REFUSED */
function requireLinux(): void {
  if (process.platform === 'linux') return;
  throw new ParaError(
    'REFUSED',
    `the proxy of a restricted session can not be made of a node for ${process.platform}`,
    { hint: 'Name an image that has node:\npara config set docker.network.proxy_image node:22-slim' },
  );
}

/** What the loader has put beside the binary, the loader itself among it; no library of JavaScript's own. */
function libraries(): readonly string[] {
  const { sharedObjects = [] } = process.report.getReport() as { sharedObjects?: readonly string[] };
  return [...new Set(sharedObjects.filter((path) => path.startsWith('/') && !path.endsWith('.node')))];
}

/** Each file where the loader looks for it; a link is what it points at. */
async function archive(): Promise<Readable> {
  const { create } = await import('tar');
  const node = await realpath(process.execPath);
  const files = [node, ...libraries().filter((path) => path !== process.execPath && path !== node)];
  const packed = create(
    {
      ...{ cwd: '/', follow: true, portable: true },
      onWriteEntry: (entry) => {
        if (`/${entry.path}` === node) entry.path = NODE.slice(1);
        if (entry.stat !== undefined) entry.stat.mode = 0o100755;
      },
    },
    files.map((path) => path.slice(1)),
  );
  return Readable.from(packed);
}
