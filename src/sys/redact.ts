const secrets = new Set<string>();

/** Remembers a secret value (length ≥ 8) so that `redact` hides it from now on, in plain and base64 form. */
export function registerSecret(value: string): void {
  if (value.length < 8) return;
  secrets.add(value);
  secrets.add(Buffer.from(value).toString('base64'));
}

/** The text with every registered secret replaced by `***`, longest first. */
export function redact(text: string): string {
  let clean = text;
  for (const secret of [...secrets].sort((a, b) => b.length - a.length))
    clean = clean.replaceAll(secret, '***');
  return clean;
}
