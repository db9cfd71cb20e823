/** Every string that a container, image, repository or engine made goes through here before a person sees it. */

// Bidirectional overrides, zero-width and other invisible characters that can make text lie.
const INVISIBLE = /[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
// eslint-disable-next-line no-control-regex -- control characters are what this removes
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;
// eslint-disable-next-line no-control-regex -- escape sequences start with a control character
const ESCAPE = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])/g;

// The colours that para itself paints with; among them is none that hides text.
// eslint-disable-next-line no-control-regex -- colours start with a control character
const PAINT = /\u001b\[(?:1|2|22|3[0-7]|39|9[0-7])m/g;

/** Several lines, none of which can move the cursor, hide or reorder text; tabs and para's own colours stay. */
export function cleanLines(text: string): string {
  const painted = [...text.matchAll(PAINT)].map(([colour]) => colour);
  return text
    .split(PAINT)
    .map((plain, index) => plainLines(plain) + (painted[index] ?? ''))
    .join('');
}

function plainLines(text: string): string {
  return text.replace(ESCAPE, '').replace(CONTROL, keepBreaks).replace(INVISIBLE, '');
}

function keepBreaks(character: string): string {
  return character === '\n' || character === '\t' ? character : ' ';
}

/** JSON that means the same and holds no character that a terminal would obey; JSON itself escapes the rest. */
export function cleanJson(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

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
