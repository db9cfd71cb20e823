/** Colours, by what they are used for here; chalk is loaded only where there are any. */

type Style = 'bold' | 'cyan' | 'dim' | 'green' | 'inverse' | 'red' | 'yellow';

/** Puts a text into a colour. */
export type Paint = Readonly<Record<Style, (text: string) => string>> & {
  /** 0: there are no colours, and every text stays as it is. */
  readonly level: number;
};

const same = (text: string): string => text;

/** No colours. */
export const UNPAINTED: Paint = {
  ...{ level: 0, bold: same, cyan: same, dim: same, green: same, inverse: same, red: same, yellow: same },
};
