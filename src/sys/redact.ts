const secrets = new Set<string>();
let longestFirst: readonly string[] = [];

/** Shorter ones would take words out of everything that is said. */
const LEAST = 8;

/**
 * Remembers a secret value so that `redact` hides it from now on: as it is, each of its lines, and all of that in base64,
 * as a part of an URL, as a shell is told it (shell-quote), and in JSON, also in one that another holds. What has less than
 * 8 characters is not hidden.
 */
export function registerSecret(value: string): void {
  for (const form of new Set([value, ...value.split(/[\r\n]+/)].map((text) => text.trim()))) {
    if (form.length < LEAST) continue;
    for (const text of [form, value]) {
      const base64 = Buffer.from(text).toString('base64');
      secrets.add(base64).add(base64.replace(/=+$/, ''));
    }
    secrets.add(encodeURIComponent(form.replaceAll(/\p{Cs}/gu, '\ufffd')));
    const said = [form, form.replaceAll("'", `'\\''`)];
    const once = said.flatMap(inJson);
    for (const text of [...said, ...once, ...once.flatMap(inJson)]) secrets.add(text);
  }
  longestFirst = [...secrets].sort((a, b) => b.length - a.length);
}

/** As JSON has it between quotes; engines, which are written in Go, write three characters otherwise (encoding/json). */
function inJson(text: string): readonly string[] {
  const plain = JSON.stringify(text).slice(1, -1);
  const go = plain.replaceAll(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
  return [plain, go];
}

/** The text with every registered secret replaced by `***`, longest first. */
export function redact(text: string): string {
  let clean = text;
  for (const secret of longestFirst) clean = clean.replaceAll(secret, '***');
  return clean;
}
