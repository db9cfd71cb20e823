/**
 * Writes a container's secrets, inside, from what the host says on stdin; nothing of them is in an argv or in a file of
 * the host. POSIX sh of busybox ash and dash, with its builtins alone (`rm` where a secret is replaced,
 * `chmod` where the directory was there before).
 *
 *     secrets.sh DIRECTORY     lines: `=NAME` begins a file, `+TEXT` goes on with it as a format of printf, `.` is the end
 *
 * Each file is made for its owner to read (0400). Without the last line nothing counts as done: exit code 3.
 */
export const SECRETS_SCRIPT = `set -u
umask 0377
cd "$1" || exit 2
# The place was there before, in the image or at an earlier start: the runtime has given it that one's mode.
chmod 700 . 2>/dev/null
while IFS= read -r line; do
  case $line in
    =*)
      name=\${line#=}
      if [ -e "$name" ]; then rm -f -- "$name" || exit 2; fi
      exec 3>"$name" || exit 2
      ;;
    # Everything in it that means something to printf comes as an octal number.
    +*) printf "\${line#+}" >&3 || exit 2 ;;
    .) exit 0 ;;
  esac
done
exit 3
`;

/** Bytes of a value in one line. */
const CHUNK = 256;

/** What the script reads. */
export function framed(values: ReadonlyMap<string, Uint8Array>): string {
  const lines: string[] = [];
  for (const [name, value] of values) {
    lines.push(`=${name}`);
    for (let at = 0; at < value.length; at += CHUNK)
      lines.push(`+${Array.from(value.subarray(at, at + CHUNK), written).join('')}`);
  }
  return `${[...lines, '.'].join('\n')}\n`;
}

function written(byte: number): string {
  const character = String.fromCharCode(byte);
  return /[\w./:=+@,-]/.test(character) ? character : `\\${byte.toString(8).padStart(3, '0')}`;
}
