/** Judges that can be chosen between. */
const JUDGES = 8
const chosen = Array.from(
  { length: JUDGES },
  (_, i) => `.judges > input:nth-of-type(${i + 1}):checked ~ .plots:nth-of-type(${i + 1})`,
).join(', ')

/** The page's style sheet. Colours are AA on their ground in both schemes; print is always light. */
export const style = `
:root {
  color-scheme: light dark;
  --ground: #fbfaf7; --surface: #ffffff; --text: #1c1f24; --muted: #59606b; --line: #dedbd3; --grid: #ebe8e1;
  --student: #b5301c; --tint: #fbeeea; --ddim: #7d5c00; --heun: #23609e; --other: #2f7048; --quiet: #757b85;
}
@media screen and (prefers-color-scheme: dark) {
  :root:not([data-theme='light']) {
    --ground: #14161a; --surface: #1b1e23; --text: #e9e7e2; --muted: #a5abb5; --line: #353a42; --grid: #282c33;
    --student: #ff8e73; --tint: #2c1f1c; --ddim: #dfb452; --heun: #85b7f3; --other: #83cb9f; --quiet: #8c939e;
  }
}
:root[data-theme='light'] { color-scheme: light; }
*, *::before, *::after { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body {
  margin: 0; background: var(--ground); color: var(--text); line-height: 1.55;
  font: 1rem/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif;
}
header, main, footer { max-width: 1176px; margin: 0 auto; padding: 0 24px; }
h1, h2, h3 { line-height: 1.2; text-wrap: balance; overflow-wrap: break-word; margin: 0; }
h1 { font-size: clamp(1.9rem, 1.3rem + 2.6vw, 3rem); letter-spacing: -0.02em; }
h2 { font-size: clamp(1.35rem, 1.2rem + 0.7vw, 1.7rem); letter-spacing: -0.01em; }
h3 { font-size: 1.05rem; }
p { margin: 0.6rem 0 0; max-width: 68ch; overflow-wrap: break-word; }
a { color: var(--heun); text-underline-offset: 0.2em; }
a:focus-visible, summary:focus-visible, [tabindex]:focus-visible { outline: 2px solid var(--student); outline-offset: 2px; }
code, pre { font: 0.875em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; }
code { overflow-wrap: anywhere; }

header { padding-top: clamp(40px, 8vw, 88px); }
.mark { color: var(--student); display: block; width: 132px; height: 20px; margin: 0 0 18px -2px; }
.lede { font-size: clamp(1.05rem, 1rem + 0.4vw, 1.25rem); color: var(--muted); margin-top: 0.9rem; }
.headlines { list-style: none; margin: 36px 0 0; padding: 0; display: grid; gap: 0 32px; grid-template-columns: repeat(auto-fit, minmax(210px, 1fr)); }
.headlines > li { border-top: 2px solid var(--text); padding: 14px 0 22px; }
.headlines > li:first-child { border-color: var(--student); }
.headlines strong { display: block; font-size: clamp(1.9rem, 1.6rem + 1.2vw, 2.5rem); line-height: 1.1; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }
.headlines > li:first-child strong { color: var(--student); }
.headlines ul { list-style: none; margin: 6px 0 0; padding: 0; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
.headlines b { display: block; margin-top: 4px; font-weight: 600; }
.headlines span { display: block; margin-top: 4px; font-size: 0.9rem; color: var(--muted); }
nav { border-top: 1px solid var(--line); border-bottom: 1px solid var(--line); margin-top: 14px; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: 0 22px; margin: 0; padding: 6px 0; font-size: 0.95rem; }
nav a { display: inline-block; padding: 6px 0; text-decoration: none; }
nav a:hover { text-decoration: underline; }

section { padding-top: clamp(40px, 6vw, 64px); }
.grids { display: flex; flex-wrap: wrap; gap: 28px 24px; margin-top: 22px; align-items: flex-start; }
figure { margin: 0; min-width: 0; max-width: 100%; }
.grids figure { display: table; }
.grids figcaption { display: table-caption; caption-side: top; padding-bottom: 9px; }
.grids img { display: block; max-width: 100%; height: auto; image-rendering: pixelated; background: var(--surface); outline: 1px solid var(--line); }
.grids.beside { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); }
.grids.beside img { width: 100%; max-width: 640px; }
.grids .highlight img { outline: 2px solid var(--student); outline-offset: 2px; }
.grids .highlight strong { color: var(--student); }
figcaption strong { display: block; font-weight: 600; line-height: 1.35; overflow-wrap: anywhere; }
figcaption span { display: block; color: var(--muted); font-size: 0.9rem; overflow-wrap: anywhere; }

.plots { display: grid; gap: 24px; margin-top: 22px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); }
.plots > figure, .card { background: var(--surface); border: 1px solid var(--line); border-radius: 10px; padding: 18px 18px 14px; }
@media (min-width: 900px) { .plots > figure:last-child:nth-child(odd) { grid-column: 1 / -1; } }
.plot { position: relative; height: 340px; margin-top: 12px; }
.judges { border: 0; margin: 18px 0 0; padding: 0; min-width: 0; }
.judges legend { float: left; padding: 7px 12px 7px 0; color: var(--muted); font-size: 0.94rem; }
.judges > input { position: absolute; opacity: 0; pointer-events: none; }
.judges > label { display: inline-block; border: 1px solid var(--line); border-radius: 999px; background: var(--surface); padding: 6px 14px; margin: 0 6px 6px 0; font-size: 0.94rem; cursor: pointer; }
.judges > input:checked + label { border-color: var(--text); box-shadow: inset 0 0 0 1px var(--text); font-weight: 600; }
.judges > input:focus-visible + label { outline: 2px solid var(--student); outline-offset: 2px; }
.judges > .plots { display: none; clear: both; margin-top: 10px; }
${chosen} { display: grid; }
.no-script { border-left: 3px solid var(--student); padding: 4px 12px; }
details { margin-top: 10px; font-size: 0.9rem; }
summary { cursor: pointer; color: var(--muted); padding: 4px 0; }

.scroll { overflow-x: auto; margin-top: 22px; border: 1px solid var(--line); border-radius: 10px; background: var(--surface); }
details .scroll { margin-top: 6px; }
.plots details th, .plots details td { white-space: normal; overflow-wrap: anywhere; vertical-align: bottom; }
.numbers tbody th { vertical-align: middle; }
.numbers tfoot th { white-space: normal; min-width: 15rem; }
.more th, .more td { padding: 7px 9px; }
.more td small { display: block; min-width: 0; text-align: right; }
.more td small.flag { white-space: normal; min-width: 7rem; }
.numbers thead th { white-space: normal; }
table { border-collapse: separate; border-spacing: 0; width: 100%; font-size: 0.92rem; font-variant-numeric: tabular-nums; }
th, td { padding: 7px 14px; text-align: right; white-space: nowrap; border-top: 1px solid var(--grid); }
thead th { font-weight: 600; color: var(--muted); border-top: 0; vertical-align: bottom; }
thead th[title] { cursor: help; }
th:first-child { text-align: left; position: sticky; left: 0; background: var(--surface); }
tbody th { font-weight: 600; }
th span { font-weight: 400; color: var(--muted); }
td small { font-size: 0.86em; color: var(--muted); display: inline-block; min-width: 3.3em; text-align: left; }
td small.flag { display: block; text-align: right; color: var(--student); }
thead th[scope='colgroup'] { text-align: center; border-bottom: 1px solid var(--line); }
thead tr:first-child:not(:last-child) th, thead tr:first-child:not(:last-child) td { padding-bottom: 3px; }
.footnote { font-size: 0.9rem; color: var(--muted); }
.more { margin-top: 22px; }
.more summary { font-size: 1rem; color: var(--text); font-weight: 600; }
tr.student th:first-child, tr.student td { background: var(--tint); }
tr.student th:first-child { box-shadow: inset 3px 0 var(--student); }
tfoot th, tfoot td { border-top: 1px solid var(--line); color: var(--muted); }
.legend { margin: 18px 0 0; display: grid; gap: 10px 32px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); font-size: 0.9rem; }
.legend dt { font-weight: 600; }
.legend dd { margin: 0; color: var(--muted); }
.check { margin-top: 18px; font-weight: 600; color: var(--other); max-width: none; }
.warning { color: var(--student); }

.cards { display: grid; gap: 24px; margin-top: 22px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); align-items: start; }
.card.student { border-top: 3px solid var(--student); padding-top: 16px; }
.card.teacher { border-top: 3px solid var(--heun); padding-top: 16px; }
.facts { margin: 12px 0 0; display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 6px 18px; font-size: 0.94rem; }
.facts dt { color: var(--muted); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.commands { margin: 18px 0 0; padding: 0; list-style: none; }
.commands li + li { margin-top: 10px; }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; padding: 12px 16px; background: var(--surface); border: 1px solid var(--line); border-radius: 10px; user-select: all; }
.notes { padding-left: 1.2em; margin: 14px 0 0; max-width: 72ch; overflow-wrap: break-word; }
.notes li { margin-top: 6px; }
footer { margin-top: 72px; padding-top: 18px; padding-bottom: 48px; color: var(--muted); font-size: 0.9rem; }
footer p { margin: 0; max-width: none; }

/* Where columns have no room, each row is a card, and each number has its column's name above it. */
@media screen and (max-width: 960px) {
  .numbers, .numbers tbody, .numbers tfoot, .numbers tr { display: block; }
  .numbers thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .numbers tr { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: 8px 12px; padding: 12px 14px 14px; border-top: 1px solid var(--line); }
  .numbers tbody tr:first-child { border-top: 0; }
  .numbers tr.student { background: var(--tint); box-shadow: inset 3px 0 var(--student); }
  .numbers tr > * { border: 0; padding: 0; text-align: left; background: none; white-space: normal; overflow-wrap: anywhere; }
  .numbers tr.student > th:first-child, .numbers tr.student > td { background: none; box-shadow: none; }
  .numbers tr > th { grid-column: 1 / -1; position: static; min-width: 0; max-width: none; }
  .numbers td::before { content: attr(data-label); display: block; font-size: 0.82rem; color: var(--muted); }
  .numbers td small, .numbers td small.flag { display: inline; min-width: 0; text-align: left; }
  .numbers td small.flag { display: block; }
}
@media (max-width: 560px) {
  header, main, footer { padding-left: 16px; padding-right: 16px; }
  .headlines { grid-template-columns: 1fr 1fr; gap: 0 20px; }
  .headlines > .wide, .headlines > li:first-child:nth-last-child(odd) { grid-column: 1 / -1; }
  .plots > figure, .card { padding: 14px 12px 10px; }
  .plot { height: 310px; }
  th, td { padding: 6px 7px; }
  .plots details table { font-size: 0.8rem; }
}
@media print {
  nav { display: none; }
  body { font-size: 10.5pt; background: none; }
  header { padding-top: 0; }
  figure, .card, tr, .headlines > li { break-inside: avoid; }
  h2, h3, section > p { break-after: avoid; }
  .scroll { overflow: visible; border: 0; }
  .numbers { font-size: 8pt; }
  th, td { padding: 3px 5px; }
  th:first-child { position: static; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`
