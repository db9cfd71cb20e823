/** What yargs says of an option that anybody can see from its name. */
const NOISE = / *\[(?:boolean|string|array|number|count|default: (?:true|false|\[\]))\]/g;

/** The help without that, and without the lines that held nothing else. */
export function withoutNoise(help: string): string {
  return help
    .split('\n')
    .flatMap((line) => {
      const said = line.replace(NOISE, '').trimEnd();
      return said === '' && line !== '' ? [] : [said];
    })
    .join('\n');
}
