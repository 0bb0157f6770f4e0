/** The report's provenance: data, trainings, machine, and the commands to repeat them. */
import { compact, dash, duration, integer, significant } from './format.js'
import { type Child, type Html, html } from './html.js'
import type { Machine, Reconstruction, Report, Run } from './types.js'

const facts = (list: readonly (readonly [name: Child, value: Child])[]): Html =>
  html`<dl class="facts">${list.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`

export const runs = ({ data, runs }: Report): Html => html`
  <p>Data: ${data.name}, ${integer(data.images)} pictures, ${data.width} × ${data.height} pixels, ${data.channels === 1 ? 'grey' : data.channels === 3 ? 'colour' : `${data.channels} channels`}.</p>
  <div class="cards">${runs.map((run) => card(run, data.images))}</div>`

const card = (run: Run, images: number) => html`
  <div class="card ${run.name}">
    <h3>${run.name[0]!.toUpperCase()}${run.name.slice(1)}</h3>
    ${facts([
      ['Network', html`${run.preset}, ${integer(run.parameters)} parameters`],
      ...(run.method ? ([['Method', run.method]] as const) : []),
      [
        'Pictures seen',
        `${integer(run.images_seen)}${images > 0 ? `, the data ${significant(run.images_seen / images)} times` : ''}`,
      ],
      [
        'Time',
        `${duration(run.seconds)}${run.seconds > 0 ? `, ${compact(run.images_seen / run.seconds)} pictures a second` : ''}`,
      ],
      ['Model', html`<code>${run.path}</code>`],
      ['SHA-256', html`<code>${run.sha256}</code>`],
    ])}
    ${Object.keys(run.options).length > 0 && html`<details><summary>Options</summary>${facts(Object.entries(run.options).map(([name, value]) => [html`<code>${name}</code>`, html`<code>${plain(value)}</code>`]))}</details>`}
  </div>`

const plain = (value: unknown) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? dash))

export const machine = (m: Machine): Html =>
  facts([
    ['Processor', `${m.cpu}, ${integer(m.cores)} ${m.cores === 1 ? 'core' : 'cores'}`],
    ['Memory', `${significant(m.memory_gb)} GB`],
    ['Software', `onestroke ${m.onestroke}, onnxruntime ${m.onnxruntime}, Node.js ${m.node}`],
  ])

export const commands = (list: readonly string[]): Html =>
  html`<ol class="commands">${list.map((command) => html`<li><pre tabindex="0"><code>${command}</code></pre></li>`)}</ol>`

export const notes = (list: readonly string[]): Html =>
  html`<ul class="notes">${list.map((note) => html`<li>${note}</li>`)}</ul>`

/** All that was measured of an autoencoder. */
export const reconstruction = (r: Reconstruction): Html =>
  facts([
    [
      'Pictures',
      `${integer(r.pictures)}${r.held_out ? ', kept from the training' : ', which it learned from'}`,
    ],
    ['PSNR, mean', `${r.psnr.mean.toFixed(2)} dB`],
    ['PSNR, the worst and the best', `${r.psnr.worst.toFixed(2)} and ${r.psnr.best.toFixed(2)} dB`],
    ['To encode a picture', `${significant(r.encode_ms)} ms`],
    ['To decode one', `${significant(r.decode_ms)} ms`],
  ])
