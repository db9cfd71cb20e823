const secrets = new Set<string>();
let longestFirst: readonly string[] = [];

/** Shorter ones would take words out of everything that is said. */
const LEAST = 8;

/**
 * Remembers a secret value so that `redact` hides it from now on: as it is, each of its lines, and all of that in base64
 * and as a part of an URL. What has less than 8 characters is not hidden.
 */
export function registerSecret(value: string): void {
  for (const form of new Set([value, ...value.split(/[\r\n]+/)].map((text) => text.trim()))) {
    if (form.length < LEAST) continue;
    secrets.add(form);
    for (const text of [form, value]) {
      const base64 = Buffer.from(text).toString('base64');
      secrets.add(base64).add(base64.replace(/=+$/, ''));
    }
    secrets.add(encodeURIComponent(form.replaceAll(/\p{Cs}/gu, '\ufffd')));
  }
  longestFirst = [...secrets].sort((a, b) => b.length - a.length);
}

/** The text with every registered secret replaced by `***`, longest first. */
export function redact(text: string): string {
  let clean = text;
  for (const secret of longestFirst) clean = clean.replaceAll(secret, '***');
  return clean;
}
