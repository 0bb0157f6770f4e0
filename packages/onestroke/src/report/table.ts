/** All numbers of an evaluation, and what each column means. */
import {
  bestValue,
  better,
  type Estimate,
  type Evaluation,
  type EvaluationRow,
  isNumber,
  type Measure,
  replays,
  sortRows,
  timingIsNoisy,
} from '../evaluation/index.js'
import { counted, dash, estimate, integer, score, solverName, type Written, writeEstimate } from './format.js'
import { NOISY_TIMING } from './headline.js'
import { type Html, html } from './html.js'
import { floorWords, judgesOf, MARK, marked, type ShownJudge } from './judges.js'

type Direction = (typeof better)[Measure]

interface Column {
  name: string
  /** One sentence or two, for readers who do not know the measure. */
  meaning: string
  direction: Direction
  /** What the value is multiplied by to be shown. */
  scale: number
  value(row: EvaluationRow): Estimate | null
  /** What a best value's mean is; null where none is best. */
  best(rows: readonly EvaluationRow[]): number | null
  /** What real pictures score against real pictures. */
  floor?: Estimate | null
  /** A word under the number. */
  flag?(row: EvaluationRow): string | undefined
}

/** A column that is a field of the rows. */
const measure = (
  key: Measure,
  name: string,
  meaning: string,
  { scale = 1, ...more }: { scale?: number } & Pick<Column, 'floor' | 'flag'> = {},
): Column => ({
  name,
  meaning,
  direction: better[key],
  scale,
  value(row) {
    const mean = row[key]
    return isNumber(mean) ? { mean, sd: row.deviation[key] ?? null } : null
  },
  best: (rows) => bestValue(rows, key),
  ...more,
})

const judged = (judge: ShownJudge, { floor }: Evaluation): Column => {
  const value = (row: EvaluationRow) => row.judges[judge.name]?.fid ?? null
  return {
    name: judge.scale === 1000 ? `${marked(judge)} × 10³` : marked(judge),
    meaning: sentence(judge.about),
    direction: 'low',
    scale: judge.scale,
    value,
    best(rows) {
      const means = rows.map((row) => value(row)?.mean).filter(isNumber)
      return means.length > 0 ? Math.min(...means) : null
    },
    floor: floor.judges[judge.name]?.fid ?? null,
  }
}

/** The most important columns beside the distances. */
const fewColumns = (): Column[] => [
  measure(
    'seconds_per_image',
    'ms / picture',
    'Time to paint one picture on this machine, in milliseconds.',
    { scale: 1000 },
  ),
  measure(
    'seams',
    'Seams',
    'How much colours jump along the borders of square blocks, compared with real pictures: 1 is no seam, more is a visible grid.',
  ),
  measure(
    'prompt_top1',
    'Top 1, %',
    'How often the training picture that looks most like the painted one has the name that was asked for.',
    { scale: 100 },
  ),
]

const REPLAYS = 'replays training pictures'

const moreColumns = (evaluation: Evaluation): Column[] => {
  const { replay, real, floor, judges } = evaluation
  const kidFloor = judges[0] ? (floor.judges[judges[0].name]?.kid ?? null) : null
  const usual = replay
    ? ` Training pictures drawn at random score ${estimate(replay, { scale: 1000 })}; what lies more than two deviations below that only near-copies of training pictures reach, so it is flagged “${REPLAYS}”.`
    : ''
  const varied = isNumber(real.diversity) ? ` Real pictures: ${score(real.diversity)}.` : ''
  return [
    measure(
      'kid',
      'KID × 10³',
      `Another distance between the painted and the real pictures${judges[0] ? `, by ${marked(judgesOf(evaluation)[0]!)}` : ''}. Near 0 is good, but below 0 is not better still.${usual}`,
      {
        scale: 1000,
        floor: kidFloor,
        flag: (row) => (replays(row, evaluation) ? REPLAYS : undefined),
      },
    ),
    measure(
      'precision',
      'Precision',
      'Share of the painted pictures that look like some real picture: how believable they are.',
    ),
    measure(
      'recall',
      'Recall',
      'Share of the real pictures that look like some painted one: how much of their variety is there.',
    ),
    measure(
      'prompt_top5',
      'Top 5, %',
      'How often the name that was asked for is among those of the five training pictures that look most alike.',
      { scale: 100 },
    ),
    measure(
      'teacher_distance',
      'To teacher',
      'How far pixels are from the picture that the teacher paints from the same noise if it takes its time: 0 is the same picture, 2 is black for white.',
    ),
    measure(
      'copies',
      'Copies, %',
      'Share of the painted pictures that nearly copy one training picture: the next most similar one is more than twice as far away.',
      { scale: 100 },
    ),
    measure(
      'between',
      'Between, %',
      'Where a name has two training pictures: share of the painted ones that are a blend of the two.',
      { scale: 100 },
    ),
    measure(
      'diversity',
      'Diversity',
      `How much pictures of one prompt differ from each other, pixel by pixel.${varied}`,
    ),
    measure(
      'edge_energy',
      'Edge energy',
      'How strong fine detail is, compared with real pictures: below 1 is softer, above 1 is grainier.',
    ),
  ]
}

type Shown = Column & { mark: number | null }

const arrow = { low: '↓', high: '↑', one: '→ 1', none: '' } as const satisfies Record<Direction, string>
const words = {
  low: 'Lower is better.',
  high: 'Higher is better.',
  one: 'Nearer to 1 is better.',
  none: '',
} as const satisfies Record<Direction, string>

/** Those columns for which there is a number. */
const shownOf = (columns: readonly Column[], rows: readonly EvaluationRow[]): Shown[] =>
  columns
    .filter((column) => rows.some((row) => isNumber(column.value(row)?.mean)))
    .map((column) => ({ ...column, mark: column.best(rows) }))

export const evaluationTable = (evaluation: Evaluation): Html => {
  const { data, floor, noise_seeds, samples } = evaluation
  const rows = sortRows(evaluation.rows)
  const seeds =
    noise_seeds.length === 1
      ? `, from noise seed ${noise_seeds[0]}`
      : ` and noise seed, with ${counted(noise_seeds.length, 'noise seed')} (${noise_seeds.join(', ')})`
  const judges = judgesOf(evaluation).filter(({ name }) =>
    rows.some((row) => isNumber(row.judges[name]?.fid.mean)),
  )
  const [distances, few, more] = [
    shownOf(
      judges.map((judge) => judged(judge, evaluation)),
      rows,
    ),
    shownOf(fewColumns(), rows),
    shownOf(moreColumns(evaluation), rows),
  ]
  return html`
    <p>${integer(samples)} pictures for each row${seeds}, against ${comparedWith(data)} pictures of ${data.name}. ${noise_seeds.length > 1 && '± is the standard deviation over the seeds: how much another seed would change the number. '}The best of a column is bold.</p>
    ${table({
      name: 'The most important numbers',
      rows,
      groups: [
        { name: 'FID', columns: distances },
        { name: undefined, columns: few },
      ],
      real: realRow(floor),
      nfe: true,
    })}
    ${timingIsNoisy(evaluation) && html`<p class="footnote">${NOISY_TIMING}</p>`}
    ${judges.some(({ took_part }) => took_part) && html`<p class="footnote">${MARK} This judge took part in training or choosing the student, so it may flatter it. The others took no part.</p>`}
    <dl class="legend">
      ${distances.length > 0 && entry('FID', `How far the painted pictures are from the real ones, all taken together, in what a judge sees of them; 0 is no difference. ${words.low} Each judge looks at other things, and numbers of different judges do not compare.`)}
      ${judges.map((judge) => entry(`By ${marked(judge)}`, `${sentence(judge.about)} To it a picture is ${integer(judge.dims)} numbers.`))}
      ${entry('Runs', 'How often the network runs for one picture. Heun’s method runs it twice a step, but once in its last.')}
      ${few.map(explained)}
      ${hasFloor(distances) && entry(floorWords(floor).name, floorWords(floor).about)}
    </dl>
    ${
      more.length > 0 &&
      html`<details class="more"><summary>More numbers: distances of another kind, variety, copies, sharpness</summary>
    ${table({
      name: 'More numbers',
      rows,
      groups: [{ name: undefined, columns: more }],
      real: realRow(floor),
      nfe: false,
    })}
    <dl class="legend">${more.map(explained)}</dl></details>`
    }
    ${identity(evaluation)}`
}

/** `1,583`, or `4,096 of 10,000`. */
const comparedWith = ({ images, compared = images }: Evaluation['data']): string =>
  compared < images ? `${integer(compared)} of ${integer(images)}` : integer(images)

const sentence = (text: string) => {
  const begun = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(begun) ? begun : `${begun}.`
}

const entry = (name: string, meaning: string) => html`<div><dt>${name}</dt><dd>${meaning}</dd></div>`

const explained = ({ name, meaning, direction }: Column) =>
  entry(name, `${meaning} ${words[direction]}`.trim())

interface Table {
  name: string
  rows: readonly EvaluationRow[]
  groups: readonly { name: string | undefined; columns: readonly Shown[] }[]
  real: Html
  /** Whether network evaluations are shown. */
  nfe: boolean
}

const hasFloor = (columns: readonly Column[]) => columns.some(({ floor }) => isNumber(floor?.mean))

const table = ({ name, rows, groups, real, nfe }: Table) => {
  const columns = groups.flatMap((group) => group.columns)
  const named = groups.filter((group) => group.columns.length > 0)
  const head = named.some((group) => group.name !== undefined)
  return html`<div class="scroll" role="region" aria-label="${name}" tabindex="0">
      <table class="numbers">
        <thead>
          ${head && html`<tr><td></td>${nfe && html`<td></td>`}${named.map((group) => (group.name === undefined ? html`<td colspan="${group.columns.length}"></td>` : html`<th scope="colgroup" colspan="${group.columns.length}">${group.name} by <span aria-hidden="true">↓</span></th>`))}</tr>`}
          <tr>
          <th scope="col">Sampler</th>
          ${nfe && html`<th scope="col" title="How often the network runs for one picture">Runs</th>`}
          ${named.map((group) => group.columns.map((column) => heading(column, group.name)))}
        </tr></thead>
        <tbody>${rows.map(
          (row) => html`
          <tr class="${row.who}">
            <th scope="row">${row.who === 'student' ? 'Student' : 'Teacher'} <span>${stepsOf(row)}</span></th>
            ${nfe && html`<td data-label="Runs">${integer(row.nfe)}</td>`}
            ${columns.map((column) => cell(row, column))}
          </tr>`,
        )}</tbody>
        ${hasFloor(columns) && html`<tfoot><tr>${real}${nfe && html`<td data-label="Runs">${dash}</td>`}${columns.map(({ name, floor, scale }) => html`<td data-label="${name}">${number(writeEstimate(floor, { scale }))}</td>`)}</tr></tfoot>`}
      </table>
    </div>`
}

const heading = ({ name, meaning, direction }: Column, group: string | undefined) =>
  html`<th scope="col" title="${`${meaning} ${words[direction]}`.trim()}">${name}${group === undefined && arrow[direction] !== '' && html` <span aria-hidden="true">${arrow[direction]}</span>`}</th>`

/** `12 DPM-Solver++ steps`. */
const stepsOf = ({ who, solver, steps }: EvaluationRow) =>
  who === 'student' && solver === 'consistency'
    ? counted(steps, 'step')
    : `${integer(steps)} ${solverName(solver)} ${steps === 1 ? 'step' : 'steps'}`

const realRow = (floor: Evaluation['floor']) =>
  html`<th scope="row">Real <span>${floorWords(floor).name.toLowerCase()}</span></th>`

const cell = (row: EvaluationRow, { name, value, scale, mark, flag }: Shown) => {
  const of = value(row)
  const written = number(writeEstimate(of, { scale }), of !== null && of.mean === mark)
  const word = flag?.(row)
  return html`<td data-label="${name}">${written}${word && html`<small class="flag">${word}</small>`}</td>`
}

/** Deviations stand in a column of their own, so that the means end one below the other. */
const number = ({ mean, sd }: Written, best = false) =>
  html`${best ? html`<strong>${mean}</strong>` : mean}${sd !== undefined && html` <small>± ${sd}</small>`}`

const identity = ({ student_is_student: differs }: Evaluation): Html | null => {
  if (typeof differs !== 'boolean') return null
  return differs
    ? html`<p class="check">✓ The student is a network of its own: its weights, and its pictures from equal noise, differ from the teacher’s.</p>`
    : html`<p class="check warning" role="note">✗ The student could not be told from the teacher: same weights, or the same pictures from equal noise.</p>`
}
