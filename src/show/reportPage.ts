// A page that needs nothing from anywhere: its frame and looks, and every stranger's text made harmless.
import { createHash } from 'node:crypto';
import { hideSecrets } from '../command/secrets.ts';
import type { Cell, ReportTable } from './reportTables.ts';

/** All colours keep a contrast of 4.5 to 1 against what they stand on; test/show/reportBrowser.test.ts measures it. */
const light = `--bg:#f5f7f9;--card:#fff;--fg:#18202a;--soft:#51606f;--line:#d6dde4;--blue:#1c5fc4;--wash:#1c5fc426;
--good:#0d6a34;--goodbg:#e2f4e8;--bad:#a81c1c;--badbg:#fdeaea;--odd:#754700;--oddbg:#fcf2da;--gap:#7b8794`;
const dark = `--bg:#0d1217;--card:#161d25;--fg:#e6ecf2;--soft:#a3b0bd;--line:#2d3843;--blue:#7db4ff;--wash:#7db4ff33;
--good:#63d68e;--goodbg:#12301f;--bad:#ff9a92;--badbg:#3d1818;--odd:#f2c463;--oddbg:#36290c;--gap:#8793a0`;

const style = `:root{color-scheme:light dark;${light}}
@media screen and (prefers-color-scheme:dark){:root{${dark}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;overflow-wrap:anywhere}
main,header,footer{max-width:70rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:2rem}
h1{font-size:1.7rem;line-height:1.2;margin:.2rem 0 .4rem;letter-spacing:-.01em}
h2{font-size:1.2rem;margin:2.4rem 0 .8rem}
h3{font-size:1rem;margin:1.4rem 0 .5rem}
p{margin:.4rem 0}
.brand{color:var(--soft);font-size:.85rem;letter-spacing:.04em;margin:0}
.soft,small,footer{color:var(--soft)}
.verdict{display:flex;gap:.8rem;align-items:center;margin:1.2rem 0;padding:.9rem 1.1rem;border-radius:.6rem;border-left:.35rem solid}
.verdict .sign{font-weight:700;font-size:1.5rem;line-height:1}
.verdict p{margin:0;font-weight:600}
.pass{color:var(--good)}.fail,.violation{color:var(--bad)}.warn,.warning,.inconclusive{color:var(--odd)}.skip{color:var(--soft)}
.verdict.pass,.badge.pass{background:var(--goodbg)}.verdict.fail,.badge.fail,.badge.violation{background:var(--badbg)}
.verdict.inconclusive,.badge.warn,.badge.warning,.badge.inconclusive{background:var(--oddbg)}.badge.skip{background:var(--bg)}
.badge{display:inline-block;padding:.05rem .55rem;border-radius:1rem;font-size:.85rem;font-weight:600;white-space:nowrap}
.tiles{display:grid;grid-template-columns:repeat(6,1fr);gap:.7rem;margin:1rem 0;padding:0}
.tiles div{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:.7rem .9rem}
.tiles dt{font-size:.82rem;color:var(--soft)}
.tiles dd{margin:0}
.tiles .big{font-size:1.45rem;line-height:1.35;font-weight:650;font-variant-numeric:tabular-nums}
.tiles .sub{font-size:.8rem;color:var(--soft)}
.card,.table{background:var(--card);border:1px solid var(--line);border-radius:.6rem}
.card{padding:.9rem 1.1rem;margin:.8rem 0}
.card h3{margin-top:0}
.table+.table{margin-top:.8rem}
.card ul{margin:.3rem 0;padding-left:1.2rem}
table{border-collapse:collapse;width:100%;font-size:.92rem}
caption{text-align:left;padding:.8rem 1rem .3rem;font-weight:650}
th,td{padding:.5rem 1rem;text-align:left;vertical-align:top;border-top:1px solid var(--line)}
thead th{border-top:0;font-size:.78rem;color:var(--soft);font-weight:600}
tbody th{font-weight:600}
.two tbody th{width:12rem}.four th:first-child{width:24%}.four th:nth-child(2){width:9rem}.four th:nth-child(3){width:34%}
.stack .n{white-space:nowrap}.stack td.n:nth-child(5){white-space:normal;min-width:5rem}
td small,th small{display:block;font-weight:400;font-size:.8rem;line-height:1.45}
.bar{display:block;width:100%;max-width:8rem;height:5px;margin-top:.3rem;background:var(--line);border-radius:3px}.bar rect{fill:currentColor}
.table+.note,.note{font-size:.85rem;color:var(--soft)}
.minutes{overflow-x:auto}
.minutes td,.minutes th{padding:.2rem .6rem;text-align:right;font-variant-numeric:tabular-nums;overflow-wrap:normal}
details summary{cursor:pointer;font-weight:650;padding:.8rem 1rem}
figure{margin:0}
figcaption{display:flex;flex-wrap:wrap;justify-content:space-between;gap:.1rem 1rem;font-weight:650;font-size:.92rem}
.key{font-weight:400;font-size:.8rem;color:var(--soft);display:flex;flex-wrap:wrap;gap:0 .9rem;margin:0;padding:0;list-style:none}
.key svg{width:1.1rem;height:.7rem;margin-right:.3rem}
.chart{display:grid;grid-template-columns:2.2rem 1fr;margin-top:.5rem}
.chart svg{display:block;width:100%;overflow:visible}
svg text{fill:var(--soft);font-size:11px;font-family:inherit}
.card .key{margin:0;padding:0}
.step{fill:none;stroke:var(--blue);stroke-width:1.6;vector-effect:non-scaling-stroke}
.wash{fill:var(--wash)}
.limit,.line60,.grid{vector-effect:non-scaling-stroke;fill:none}
.limit{stroke:var(--bad);stroke-width:1.5}.line60{stroke:var(--odd);stroke-width:1.5;stroke-dasharray:5 4}.grid{stroke:var(--line)}
.gapband{fill:var(--gap);opacity:.28}
rect.violation{fill:var(--bad);stroke:var(--bad)}rect.warning{fill:var(--odd);stroke:var(--odd)}
rect.violation,rect.warning{stroke-width:3;stroke-linejoin:round}
footer{padding:2rem 1.25rem 2.5rem;font-size:.82rem}
@media (max-width:62rem){.tiles{grid-template-columns:repeat(3,1fr)}}
@media (max-width:44rem){
h1{font-size:1.4rem}main,header,footer{padding-left:.8rem;padding-right:.8rem}
.tiles{grid-template-columns:1fr 1fr}
.stack,.stack tbody,.stack tr,.stack td,.stack th{display:block;width:auto!important}
.stack caption{display:block}
.stack thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.stack tr{border-top:1px solid var(--line);padding:.6rem .9rem}
.stack td,.stack th{border:0;padding:.1rem 0}
.stack tbody th.n::before{content:"No. "}
.stack td:empty{display:none}
.stack td[data-c]::before{content:attr(data-c) ": ";color:var(--soft);font-size:.8rem}
}
@media print{
:root{color-scheme:light;--bg:#fff}body{font-size:10pt}main,header,footer{max-width:none;padding:0}
th,td{padding:.25rem .5rem}h2,h3{break-after:avoid}tr,figure,.verdict,.tiles div{break-inside:avoid}.minutes{overflow:visible}.minutes td,.minutes th{padding:.1rem .25rem;font-size:8pt}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
}
`;
// Nothing may be loaded, and nothing may run: not even what a stranger's text would bring along.
const policy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'`;

/** A whole document around a body. */
export function page({ title, body }: { readonly title: string; readonly body: string }): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
${body}
</body>
</html>
`;
}

/**
 * Anybody's text as text of the page: without secrets, markup, control characters, letters that are halves, and signs
 * that turn the direction of what follows.
 */
export function escaped(raw: string): string {
  // Most of a page are figures.
  if (/^[\w .:,%–]{0,24}$/.test(raw)) return raw;
  return hideSecrets(raw)
    .replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/g, '\ufffd')
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .replace(/[&<>"'`]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

const marks: Readonly<Record<string, string>> = {
  pass: '✔',
  warn: '!',
  fail: '✖',
  inconclusive: '?',
  skip: '–',
  violation: '✖',
  warning: '!',
};

/** The sign of an answer; a word stands beside it, so it is not read aloud. */
export function mark(is: string): string {
  return `<span aria-hidden="true">${marks[is] ?? ''}</span>`;
}

/** A table; on a narrow screen its rows become blocks, and the roles keep it a table for who listens to it. */
export function tableHtml(table: ReportTable, caption: 'shown' | 'hidden' = 'hidden'): string {
  const two = table.columns.length === 2;
  const kind = two ? ' two' : table.columns.length === 4 ? ' four' : '';
  const narrow = (at: number): string => (table.narrow?.includes(at) ? ' class="n"' : '');
  const head = table.columns
    .map((name, at) => `<th scope="col" role="columnheader"${narrow(at)}>${escaped(name)}</th>`)
    .join('');
  const rows = table.rows.map(
    (row) =>
      `<tr role="row">${row
        .map((cell, at) =>
          at === 0
            ? `<th scope="row" role="rowheader"${narrow(at)}>${cellHtml(cell)}</th>`
            : `<td role="cell"${narrow(at)}${two ? '' : ` data-c="${escaped(table.columns[at] ?? '')}"`}>${cellHtml(cell)}</td>`,
        )
        .join('')}</tr>`,
  );
  const name =
    caption === 'shown'
      ? `<table class="stack${kind}" role="table"><caption>${escaped(table.title)}</caption>`
      : `<table class="stack${kind}" role="table" aria-label="${escaped(table.title)}">`;
  const note = table.note === undefined ? '' : `<p class="note">${escaped(table.note)}</p>`;
  return `<div class="table">${name}
<thead role="rowgroup"><tr role="row">${head}</tr></thead>
<tbody role="rowgroup">
${rows.join('\n')}
</tbody></table></div>${note}`;
}

function cellHtml(cell: Cell): string {
  if (typeof cell === 'string') return escaped(cell);
  const more = (cell.more ?? []).map((line) => `<small>${escaped(line)}</small>`).join('');
  const text =
    cell.is === undefined
      ? escaped(cell.text)
      : `<span class="badge ${cell.is}">${mark(cell.is)} ${escaped(cell.text)}</span>`;
  return `${text}${cell.bar === undefined ? '' : barHtml(cell.bar)}${more}`;
}

/** A percentage as a bar, beside the number. */
function barHtml(percent: number): string {
  const width = Math.round(Math.min(100, Math.max(0, percent)));
  return `<svg class="bar ${percent < 60 ? 'pass' : 'fail'}" aria-hidden="true"><rect width="${width}%" height="5"/></svg>`;
}

/** A table of many small numbers, closed until somebody asks for it, in a box that scrolls by itself. */
export function foldedTable(table: ReportTable): string {
  const head = table.columns.map((name) => `<th scope="col">${escaped(name)}</th>`).join('');
  const rows = table.rows.map(
    ([first = '', ...rest]) =>
      `<tr><th scope="row">${cellHtml(first)}</th>${rest.map((cell) => `<td>${cellHtml(cell)}</td>`).join('')}</tr>`,
  );
  return `<details class="table"><summary>${escaped(table.title)}</summary><div class="minutes" role="region" aria-label="${escaped(table.title)}" tabindex="0"><table><thead><tr>${head}</tr></thead><tbody>
${rows.join('\n')}
</tbody></table></div></details>`;
}
