/** `report.html`: one file that needs neither a server nor a network. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { client } from './client.js'
import { date } from './format.js'
import { headlines } from './headline.js'
import { type Html, html, jsonBlock, raw } from './html.js'
import { MARK, marked } from './judges.js'
import { figure } from './picture.js'
import { plotNumbers } from './plot-numbers.js'
import { type Judgement, type Plot, plotsOf } from './plots.js'
import { commands, machine, notes, reconstruction, runs } from './provenance.js'
import { style } from './style.js'
import { evaluationTable } from './table.js'
import type { Report, Section } from './types.js'

/** Chart.js as one classic script, without the map that a browser's tools would go looking for. */
const chartJs = () => {
  const dist = dirname(createRequire(import.meta.url).resolve('chart.js'))
  const source = readFileSync(join(dist, 'chart.umd.js'), 'utf8')
  return source.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n').replaceAll('</script', '<\\/script')
}

const sha256 = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** Allows only these scripts and this style, also if the escaping has a gap. Nothing else runs or loads. */
const policy = (scripts: readonly string[]) =>
  `default-src 'none'; img-src data:; style-src ${sha256(style)}; script-src ${scripts.map(sha256).join(' ') || "'none'"}`

interface Part {
  id: string
  title: string
  body: Html
}

/** A full HTML document; `png` gives the bytes of a picture that the report names. */
export const renderReport = (report: Report, png: (name: string) => Uint8Array): string => {
  const { quality, training } = plotsOf(report)
  const plots = [...quality.flatMap((judgement) => judgement.plots), ...training]
  const scripts = plots.length > 0 ? [chartJs(), client] : []
  const parts = [
    ...report.sections.map((section, i) => samples(section, i, png)),
    quality.length > 0 && { id: 'quality', title: 'Quality', body: judgements(quality, report) },
    training.length > 0 && { id: 'curves', title: 'Training curves', body: figures(training) },
    report.evaluation && { id: 'numbers', title: 'All numbers', body: evaluationTable(report.evaluation) },
    report.reconstruction && {
      id: 'numbers',
      title: 'All numbers',
      body: reconstruction(report.reconstruction),
    },
    { id: 'training', title: 'What was trained', body: runs(report) },
    { id: 'machine', title: 'Machine', body: machine(report.machine) },
    report.commands.length > 0 && { id: 'reproduce', title: 'Reproduce it', body: commands(report.commands) },
    report.notes.length > 0 && { id: 'notes', title: 'Notes', body: notes(report.notes) },
  ].filter((part): part is Part => Boolean(part))
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy(scripts)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="onestroke ${report.machine.onestroke}">
<meta name="description" content="${report.summary}">
<title>${report.title}</title>
<style>${raw(style)}</style>
</head>
<body>
${hero(report, parts)}
<main>
${scripts.length > 0 && html`<noscript><p class="no-script">The plots need JavaScript; their numbers are folded in under each of them.</p></noscript>`}
${parts.map(({ id, title, body }) => html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>${body}</section>\n`)}
</main>
<footer><p>Written by onestroke ${report.machine.onestroke} on <time datetime="${report.created}">${date(report.created)}</time>. All of it as data: <code>report.json</code>, beside this page.</p></footer>
${scripts.length > 0 && html`<script type="application/json" id="plots">${jsonBlock(plots)}</script>`}
${scripts.map((script) => html`<script>${raw(script)}</script>\n`)}
</body>
</html>
`.text
}

const hero = (report: Report, parts: readonly Part[]) => html`
<header>
  <svg class="mark" viewBox="0 0 132 20" aria-hidden="true"><path fill="currentColor" d="M2 12.5C18 6.5 44 3 74 4.2c22 .9 40 2.6 56 1.2-8 3.2-20 4.4-34 4.9C66 11.500 34 12 8 17.400c-4 .8-8-3.600-6-4.900z"/></svg>
  <h1>${report.title}</h1>
  <p class="lede">${report.summary}</p>
  <ul class="headlines">${headlines(report).map(
    ({ value, label, parts, detail }) => html`
    <li${parts && html` class="wide"`}><strong>${value}</strong> <b>${label}</b>${parts && html` <ul>${parts.map((part) => html`<li>${part}</li>`)}</ul>`}${detail && html` <span>${detail}</span>`}</li>`,
  )}
  </ul>
  <nav aria-label="On this page"><ul>${parts.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
</header>`

const samples = (
  { title, text, grids, side_by_side }: Section,
  i: number,
  png: (name: string) => Uint8Array,
): Part => ({
  id: `samples-${i + 1}`,
  title,
  body: html`${text && html`<p>${text}</p>`}<div class="grids${side_by_side && ' beside'}">${grids.map((grid) => figure(grid, png(grid.png)))}</div>`,
})

/** The plots of one judge at a time; which one is chosen by radio buttons and style.ts, without a script. */
const judgements = (quality: readonly Judgement[], { evaluation }: Report) => {
  const several = evaluation && evaluation.noise_seeds.length > 1
  const about = html`<p>Quality is measured as FID: how far the painted pictures are from the real ones, all taken together, in what a judge sees of them. Lower is better.${several && ' Bars are ± one standard deviation over the noise seeds: where they overlap, the difference may be luck.'}</p>`
  const [only] = quality
  if (quality.length === 1) return html`${about}${figures(only!.plots)}`
  return html`${about}
  <fieldset class="judges"><legend>Judged by</legend>
    ${quality.map(({ judge }, i) => html`<input type="radio" name="judge" id="judge-${i}"${i === 0 && html` checked`}><label for="judge-${i}">${marked(judge)}</label>\n`)}
    ${quality.map(({ plots }) => figures(plots))}
  </fieldset>
  ${quality.some(({ judge }) => judge.took_part) && html`<p class="footnote">${MARK} This judge took part in training or choosing the student.</p>`}`
}

const figures = (plots: readonly Plot[]) => html`
  <div class="plots">${plots.map(
    (plot) => html`
    <figure>
      <figcaption><h3>${plot.title}</h3><span>${plot.text}</span></figcaption>
      <div class="plot"><canvas id="${plot.id}" role="img" aria-label="${plot.title}: ${plot.y.label} over ${plot.x.label}, for ${plot.lines
        .filter((line) => !line.faint)
        .map((line) => line.name)
        .join('; ')}. The numbers follow."></canvas></div>
      ${plotNumbers(plot)}
    </figure>`,
  )}
  </div>`
