// npm run record: docs/sandbox.svg for the README's first screen. The real program runs in a real terminal, and what it prints
// is drawn line by line at the moment it came, with longer waits cut short.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';

const columns = 96;
const rows = 30;
const [size, height, left, top] = [13, 18, 14, 40];
const colors = { 1: 'b', 2: 'd', 31: 'r', 32: 'g', 33: 'y' };

/** Lines as a terminal shows them, each with the second it came at; a line that is redrawn counts as it was last. */
async function record() {
  const command = `stty cols ${columns} rows ${rows}; exec ${process.execPath} bin/cronlatch.js sandbox`;
  const child = spawn('script', ['-qfec', command, '/dev/null'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TERM: 'xterm-256color', LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', NO_COLOR: '', CI: '' },
  });
  const began = performance.now();
  const lines = [];
  let open = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    const at = (performance.now() - began) / 1000;
    const parts = (open + chunk).replaceAll('\r\n', '\n').split('\n');
    open = parts.pop();
    for (const part of parts)
      lines.push({ at, text: part.slice(part.lastIndexOf('\r\x1b[K') + 1).replace(/^\x1b\[K/, '') });
  }
  const status = await new Promise((done) =>
    child.exitCode === null ? child.once('exit', done) : done(child.exitCode),
  );
  if (status !== 0) throw new Error(`the sandbox ended with ${status}`);
  return lines;
}

/** A line as pieces of one colour each, cut where the terminal's edge is. */
function wrapped({ at, text }) {
  const out = [[]];
  let style = '';
  let room = columns;
  const shown = text.replace(/\x1b\[[\d;?]*[A-Za-ln-z]/g, '');
  for (const [, codes, letter] of shown.matchAll(/\x1b\[([\d;]*)m|([^\x1b])/gu)) {
    if (letter === undefined) {
      const on = codes
        .split(';')
        .map((code) => colors[Number(code)])
        .filter((name) => name !== undefined);
      style = on.join(' ');
      continue;
    }
    if (room-- === 0) {
      out.push([]);
      room = columns - 1;
    }
    const line = out.at(-1);
    if (line.at(-1)?.style === style) line.at(-1).text += letter;
    else line.push({ style, text: letter });
  }
  return out.map((pieces) => ({ at, pieces }));
}

/** No wait longer than two seconds, and what comes at once still comes line by line. */
function hurried(lines) {
  let [real, shown] = [0, 0.5];
  return lines.map((line) => {
    shown += Math.min(2, Math.max(0.06, line.at - real));
    real = line.at;
    return { ...line, at: shown };
  });
}

const html = (text) => text.replace(/[&<>]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[sign]);
const seconds = (time) => `${time.toFixed(2)}s`;

function draw(lines) {
  const whole = (lines.at(-1)?.at ?? 0) + 1;
  const texts = lines.flatMap(({ at, pieces }, index) => {
    if (pieces.length === 0) return [];
    const spans = pieces.map(({ style, text }) =>
      style === '' ? html(text) : `<tspan class="${style}">${html(text)}</tspan>`,
    );
    return `<text y="${index * height}" style="animation-delay:${seconds(at)}">${spans.join('')}</text>`;
  });
  // What has no room scrolls away: one step for each line that comes in below.
  const steps = lines.flatMap(({ at }, index) =>
    index < rows
      ? []
      : [`${((at / whole) * 100).toFixed(2)}%{transform:translateY(${(rows - 1 - index) * height}px)}`],
  );
  const width = left * 2 + columns * size * 0.602;
  const tall = top + rows * height + 8;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width.toFixed(0)} ${tall}" font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="${size}" role="img" aria-labelledby="title">
<title id="title">cronlatch sandbox: a worker piles up, is latched, checked, and put back as it was</title>
<style>
text{fill:#d6dae0;white-space:pre;opacity:0;animation:come .01s forwards}
.b{font-weight:bold;fill:#fff}.d{fill:#8b949e}.g{fill:#56d364}.r{fill:#ff7b72}.y{fill:#e3b341}
@keyframes come{to{opacity:1}}
@keyframes scroll{0%{transform:translateY(0)}${steps.join('')}100%{transform:translateY(${Math.min(0, (rows - lines.length) * height)}px)}}
.lines{animation:scroll ${seconds(whole)} step-end forwards}
@media (prefers-reduced-motion:reduce){text,.lines{animation-duration:.01s!important;animation-delay:0s!important}}
</style>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<g fill="#30363d"><circle cx="20" cy="17" r="5"/><circle cx="38" cy="17" r="5"/><circle cx="56" cy="17" r="5"/></g>
<svg x="${left}" y="${top - height + 4}" width="${(width - left).toFixed(0)}" height="${rows * height + 4}"><g transform="translate(0 ${height - 4})"><g class="lines">
${texts.join('\n')}
</g></g></svg>
</svg>
`;
}

const lines = hurried(await record()).flatMap(wrapped);
const svg = draw(lines);
writeFileSync('docs/sandbox.svg', svg);
console.log(`docs/sandbox.svg: ${lines.length} lines, ${svg.length} bytes`);
