/** Every string that a container, image, repository or engine made goes through here before a person sees it. */

// Bidirectional overrides, zero-width and other characters without a shape, which can make text lie, but for the selectors
// of emoji; and the separators of lines that are no control characters.
const INVISIBLE =
  /(?![\ufe00-\ufe0f])[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\u2028\u2029\ufff9-\ufffb]/gu;
// Half a character: what a terminal makes of it is its own affair.
const HALF = /[\ud800-\udfff]/gu;
// eslint-disable-next-line no-control-regex -- control characters are what this removes
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;
// eslint-disable-next-line no-control-regex -- escape sequences start with a control character
const ESCAPE = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])/g;

// The colours that para itself paints with; among them is none that hides text.
// eslint-disable-next-line no-control-regex -- colours start with a control character
const PAINT = /\u001b\[(?:1|2|22|3[0-7]|39|9[0-7])m/g;

/**
 * Several lines, none of which can move the cursor, hide or reorder text; tabs stay, and para's own colours where it
 * paints at all.
 */
export function cleanLines(text: string, isPainted = true): string {
  if (!isPainted) return plainLines(text);
  const painted = [...text.matchAll(PAINT)].map(([colour]) => colour);
  return text
    .split(PAINT)
    .map((plain, index) => plainLines(plain) + (painted[index] ?? ''))
    .join('');
}

function plainLines(text: string): string {
  return text.replace(ESCAPE, '').replace(CONTROL, keepBreaks).replace(INVISIBLE, '').replace(HALF, '\ufffd');
}

function keepBreaks(character: string): string {
  return character === '\n' || character === '\t' ? character : ' ';
}

/** JSON that means the same and holds no character that a terminal would obey; JSON itself escapes the rest. */
export function cleanJson(json: string): string {
  const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return json
    .replace(/[\u007f-\u009f]/g, escaped)
    .replace(INVISIBLE, (character) => character.split('').map(escaped).join(''));
}

/** One clean line of at most `max` characters. */
export function display(text: string, max = 500): string {
  const clean = text
    .slice(0, max * 4)
    .replace(ESCAPE, '')
    .replace(CONTROL, ' ')
    .replace(INVISIBLE, '')
    .trim();
  return (clean.length > max ? `${clean.slice(0, max - 1)}…` : clean).replace(HALF, '\ufffd');
}
