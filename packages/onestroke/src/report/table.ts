/** All numbers of an evaluation, and what each column means. */
import {
  bestValue,
  better,
  type Evaluation,
  type EvaluationRow,
  isNumber,
  type Measure,
  sortRows,
} from './evaluation.js'
import { dash, fixed, integer, solverName } from './format.js'
import { type Html, html } from './html.js'

interface Column {
  key: Measure
  name: string
  meaning: string
  /** What the value is multiplied by to be shown. Default 1. */
  scale?: number
  /** Digits after the point; without it, two, or more where values are small. */
  decimals?: number
}

const columns: readonly Column[] = [
  {
    key: 'fid',
    name: 'FID',
    meaning: 'Fréchet distance between the features of the samples and of the data.',
  },
  {
    key: 'kid',
    name: 'KID × 10³',
    meaning: 'Kernel distance between the same features, times 1000; it may dip below zero.',
    scale: 1000,
  },
  {
    key: 'precision',
    name: 'Precision',
    meaning: 'Share of the samples that lie among the data: fidelity.',
    decimals: 2,
  },
  {
    key: 'recall',
    name: 'Recall',
    meaning: 'Share of the data that lies among the samples: variety.',
    decimals: 2,
  },
  {
    key: 'seconds_per_image',
    name: 'ms / picture',
    meaning: 'Time for one picture on this machine, in milliseconds.',
    scale: 1000,
  },
  {
    key: 'prompt_top1',
    name: 'Top 1, %',
    meaning: 'How often the nearest training picture is the one that the prompt names.',
    scale: 100,
    decimals: 1,
  },
  {
    key: 'prompt_top5',
    name: 'Top 5, %',
    meaning: 'How often the one that the prompt names is among the nearest five.',
    scale: 100,
    decimals: 1,
  },
  {
    key: 'teacher_distance',
    name: 'To teacher',
    meaning: 'RMSE, in [−1, 1] pixels, to the teacher’s 64-step Heun picture from the same noise.',
    decimals: 3,
  },
]

/** A column's value as text, with as many decimals as all of its values share. */
const writer = ({ key, scale = 1, decimals }: Column, rows: readonly EvaluationRow[]) => {
  const sizes = rows
    .map((row) => row[key])
    .filter(isNumber)
    .map((value) => Math.abs(value * scale))
    .filter((size) => size > 0)
  const digits = decimals ?? (Math.min(...sizes) < 0.1 ? 4 : 2)
  return (value: number | null) => fixed(isNumber(value) ? value * scale : null, digits)
}

type Shown = Column & { write: (value: number | null) => string; best: number | null }

const arrow = { low: '↓', high: '↑' }
const words = { low: 'Lower is better.', high: 'Higher is better.' }

export const evaluationTable = (evaluation: Evaluation): Html => {
  const { data, features, floor, samples, seed } = evaluation
  const rows = sortRows(evaluation.rows)
  const shown = columns
    .filter(({ key }) => rows.some((row) => isNumber(row[key])))
    .map((column): Shown => ({ ...column, write: writer(column, rows), best: bestValue(rows, column.key) }))
  return html`
    <p>${integer(samples)} samples a row, seed ${seed}, against ${integer(data.images)} pictures of ${data.name}. The best of a column is bold.</p>
    <div class="scroll" role="region" aria-label="All numbers" tabindex="0">
      <table class="numbers">
        <thead><tr>
          <th scope="col">Sampler</th>
          <th scope="col" title="Sampling steps">Steps</th>
          <th scope="col" title="Network evaluations for one picture">NFE</th>
          ${shown.map(({ key, name, meaning }) => html`<th scope="col" title="${meaning} ${words[better[key]]}">${name} <span aria-hidden="true">${arrow[better[key]]}</span></th>`)}
        </tr></thead>
        <tbody>${rows.map((row) => tableRow(row, shown))}</tbody>
        ${(isNumber(floor.fid) || isNumber(floor.kid)) && floorRow(floor, shown)}
      </table>
    </div>
    <dl class="legend">
      <div><dt>NFE</dt><dd>Network evaluations for one picture: Heun takes two a step, but one in its last.</dd></div>
      ${shown.map(({ key, name, meaning }) => html`<div><dt>${name}</dt><dd>${meaning} ${key === 'fid' && html`Features: ${features.name}, ${features.dims} dimensions; distances in other features do not compare. `}${words[better[key]]}</dd></div>`)}
    </dl>
    ${identity(evaluation)}`
}

const tableRow = (row: EvaluationRow, shown: readonly Shown[]) => html`
  <tr class="${row.who}">
    <th scope="row">${row.who === 'student' ? 'Student' : 'Teacher'} <span>${solverName(row.solver)}</span></th>
    <td>${integer(row.steps)}</td><td>${integer(row.nfe)}</td>
    ${shown.map(({ key, write, best }) => (isNumber(row[key]) && row[key] === best ? html`<td><strong>${write(row[key])}</strong></td>` : html`<td>${write(row[key])}</td>`))}
  </tr>`

const floorRow = (floor: Evaluation['floor'], shown: readonly Shown[]) => html`
  <tfoot><tr>
    <th scope="row">Real <span>against real</span></th><td>${dash}</td><td>${dash}</td>
    ${shown.map(({ key, write }) => html`<td>${write(key === 'fid' || key === 'kid' ? floor[key] : null)}</td>`)}
  </tr></tfoot>`

const identity = ({ student_is_student: differs }: Evaluation): Html | null => {
  if (typeof differs !== 'boolean') return null
  return differs
    ? html`<p class="check">✓ The student is a network of its own: its weights, and its pictures from equal noise, differ from the teacher’s.</p>`
    : html`<p class="check warning" role="note">✗ The student could not be told from the teacher: same weights, or the same pictures from equal noise.</p>`
}
