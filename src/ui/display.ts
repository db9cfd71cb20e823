/** Every string that a container, image, repository or engine made goes through here before a person sees it. */

// Bidirectional overrides, zero-width and other invisible characters that can make text lie.
const INVISIBLE = /[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
// eslint-disable-next-line no-control-regex -- control characters are what this removes
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;
// eslint-disable-next-line no-control-regex -- escape sequences start with a control character
const ESCAPE = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])/g;

/** One clean line of at most `max` characters. */
export function display(text: string, max = 500): string {
  const clean = text
    .slice(0, max * 4)
    .replace(ESCAPE, '')
    .replace(CONTROL, ' ')
    .replace(INVISIBLE, '')
    .trim();
  return clean.length > max ? `${clean.slice(0, max - 1)}…` : clean;
}
