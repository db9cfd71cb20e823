/** The rows as a picture: how many times the floor each command costs, and its target. */

const WIDTH = 860;
const LEFT = 340;
const ROW = 26;

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

const tick = (x, y) =>
  `<line x1="${x.toFixed(1)}" x2="${x.toFixed(1)}" y1="${y - 2}" y2="${y + 20}" stroke="#333" stroke-width="2"/>`;

/** An SVG document. Rows without a target are other tools. */
export function chart(rows, title) {
  const most = Math.max(2, ...rows.flatMap(({ ratio, target = 1 }) => [ratio, target]));
  const x = (ratio) => LEFT + (ratio / most) * (WIDTH - LEFT - 60);
  const bars = rows.map(({ engine, name, ratio, target }, i) => {
    const y = 50 + i * ROW;
    const colour = target === undefined ? '#adb5bd' : ratio <= target ? '#2a9d8f' : '#e76f51';
    const mark = target === undefined ? '' : tick(x(target), y);
    return `<text x="${LEFT - 8}" y="${y + 14}" text-anchor="end">${escape(engine === '' ? name : `${name} (${engine})`)}</text>
<rect x="${LEFT}" y="${y}" width="${(x(ratio) - LEFT).toFixed(1)}" height="18" fill="${colour}"/>
${mark}
<text x="${(x(ratio) + 6).toFixed(1)}" y="${y + 14}">${ratio.toFixed(2)}</text>`;
  });
  const floor = `<line x1="${x(1).toFixed(1)}" x2="${x(1).toFixed(1)}" y1="40" y2="${50 + rows.length * ROW}" stroke="#999" stroke-dasharray="4 3"/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${70 + rows.length * ROW}" font-family="sans-serif" font-size="13">
<rect width="100%" height="100%" fill="white"/>
<text x="16" y="26" font-size="15">${escape(title)}</text>
${floor}
${bars.join('\n')}
</svg>
`;
}
