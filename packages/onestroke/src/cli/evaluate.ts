import { Command } from 'commander'
import {
  type Estimate,
  type Evaluation,
  type EvaluationRow,
  equalTeacher,
  evaluate,
  type Measure,
  NOISE_SEEDS,
  replays,
  speedUp,
} from '../evaluation/index.js'
import { loadModel } from '../model/index.js'
import { bestSampler, caveat, compare, estimate, judgesOf, marked, writeEstimate } from '../report/index.js'
import { flagsFor } from './condition.js'
import { DATA_HELP, type DataFlags, dataOptions } from './data-options.js'
import { openData } from './open-data.js'
import { integer, stepCounts } from './options.js'
import { Bar, say, showingFeatures, table } from './terminal.js'
import { UsageError } from './usage-error.js'

interface EvaluateFlags extends DataFlags {
  data: string
  teacher?: string
  steps: number[]
  samples: number
  seed: number
  noiseSeeds: number
  features?: string
  json?: boolean
}

export const evaluateCommand = (): Command =>
  dataOptions(
    new Command('evaluate')
      .description(
        'measure a model: distances to the data by several judges, precision and recall, prompts, copies, speed, distance to its teacher',
      )
      .argument('<MODEL>', 'model folder')
      .requiredOption('--data <DATA>', 'pictures to compare with'),
  )
    .option('--teacher <model>', 'model folder of the student’s teacher')
    .option('--steps <list>', 'step counts, separated by commas', stepCounts, [1, 2, 4])
    .option(
      '--samples <count>',
      'pictures to paint for each row and noise seed',
      integer(64, 1_000_000),
      2048,
    )
    .option('--seed <number>', 'first seed of the noise', integer(0), 0)
    .option(
      '--noise-seeds <count>',
      'noise seeds, from --seed on: numbers are means over them, with their deviation',
      integer(1, 100),
      NOISE_SEEDS,
    )
    .option('--features <file>', 'an ONNX model [N, C, H, W] → features: a further judge, and the first one')
    .option('--json', 'print one JSON document on standard output')
    .addHelpText('after', DATA_HELP)
    .action(async (path: string, flags: EvaluateFlags) => {
      const model = await loadModel(path)
      const teacher = flags.teacher === undefined ? undefined : await loadModel(flags.teacher)
      if (teacher && teacher.config.kind !== 'teacher')
        throw new UsageError(`--teacher ${flags.teacher} is a student, not a diffusion model`)
      const dataset = await openData(flags.data, { ...flagsFor(model), ...flags })
      const bar = new Bar('evaluating', 'pictures')
      const evaluation = await showingFeatures((notify) =>
        evaluate({
          model,
          teacher,
          dataset,
          steps: flags.steps,
          samples: flags.samples,
          seed: flags.seed,
          noise_seeds: flags.noiseSeeds,
          ...notify,
          file: flags.features,
          onProgress: (what, done, total) => bar.update(done, total, what),
        }),
      ).finally(() => bar.stop())
      if (flags.json) console.log(JSON.stringify(evaluation, null, 2))
      else print(evaluation)
    })

/** A column beside the distances: the field, its head, what it is multiplied by, and what it means. */
interface Column {
  readonly measure: Measure
  readonly head: string
  readonly scale?: number
  readonly meaning: string
}

const COLUMNS: readonly Column[] = [
  {
    measure: 'kid',
    head: 'kid ×10³',
    scale: 1000,
    meaning: 'kernel distance by the first judge; 0 is good, and below 0 is not better',
  },
  {
    measure: 'precision',
    head: 'precision',
    meaning: 'share of painted pictures that look like a real one; higher is better',
  },
  {
    measure: 'recall',
    head: 'recall',
    meaning: 'share of real pictures that look like a painted one; higher is better',
  },
  {
    measure: 'prompt_top1',
    head: 'top1',
    meaning: 'share of pictures whose nearest training picture has the prompt’s name; higher is better',
  },
  {
    measure: 'prompt_top5',
    head: 'top5',
    meaning: 'the same for one of the five nearest; higher is better',
  },
  {
    measure: 'teacher_distance',
    head: 'distance',
    meaning: 'RMS from what the teacher paints, in 64 steps, from the same noise; lower is better',
  },
  {
    measure: 'copies',
    head: 'copies',
    meaning:
      'share less than half as far from the nearest training picture as from the next; lower is better',
  },
  {
    measure: 'between',
    head: 'between',
    meaning: 'share that blends the two training pictures of its name; lower is better',
  },
  {
    measure: 'diversity',
    head: 'diversity',
    meaning: 'RMS between pictures of one prompt; higher is more varied',
  },
  {
    measure: 'edge_energy',
    head: 'edges',
    meaning: 'strength of fine detail, as a multiple of the real pictures’; nearer to 1 is better',
  },
  {
    measure: 'seams',
    head: 'seams',
    meaning: 'jumps at the borders of squares, as a multiple of the real pictures’; nearer to 1 is better',
  },
]

const print = (evaluation: Evaluation): void => {
  const { rows, floor, noise_seeds, samples, replay, real } = evaluation
  const judges = judgesOf(evaluation)
  const named = (row: EvaluationRow) => [row.who, row.solver, String(row.steps), String(row.nfe)]
  const names = ['who', 'solver', 'steps', 'nfe']
  const distances = ({ judges: found }: Pick<EvaluationRow, 'judges'>) =>
    judges.map(({ name, scale }) => estimate(found[name]?.fid, { scale }))
  const lines: string[][] = rows.map((row) => [
    ...named(row),
    ...distances(row),
    row.seconds_per_image === null ? '–' : (row.seconds_per_image * 1000).toPrecision(3),
  ])
  if (floor.fid !== null) lines.push(['real', floor.kind, '', '', ...distances(floor), ''])
  const heads = judges.map((judge) => `${marked(judge)}${judge.scale === 1000 ? ' ×10³' : ''}`)
  console.log(table([...names, ...heads, 'ms/image'], lines))
  const about = judges.map((judge, i) => [heads[i]!, `fid by ${judge.about}`])
  explain([
    ...about.map(([head, text]) => [head!, `${text!.replace(/\.$/, '')}; lower is better`] as const),
    ['ms/image', 'time for one picture, in milliseconds; lower is better'],
    ['real', FLOORS[floor.kind]],
  ])
  if (judges.some(({ took_part }) => took_part))
    console.log('* took part in training or choosing students: the others judge independently')

  const columns = COLUMNS.filter(({ measure }) => rows.some((row) => row[measure] !== null))
  const cell = (row: EvaluationRow, { measure, scale = 1 }: Column): string => {
    const mean = row[measure]
    if (mean === null) return '–'
    const flag = measure === 'kid' && replays(row, evaluation) ? ' replays' : ''
    return writeEstimate({ mean, sd: row.deviation[measure] ?? null }, { scale }).mean + flag
  }
  console.log()
  console.log(
    table(
      [...names, ...columns.map(({ head }) => head)],
      rows.map((row) => [...named(row), ...columns.map((column) => cell(row, column))]),
    ),
  )
  explain(columns.map(({ head, meaning }) => [head, meaning]))
  if (rows.some((row) => replays(row, evaluation)))
    console.log(
      `replays: training pictures drawn at random have a kid of ${estimate(replay, { scale: 1000 })}; two deviations below that, only near-copies of training pictures lie`,
    )
  if (real.diversity !== null)
    console.log(
      `training pictures of one prompt have a diversity of ${writeEstimate({ mean: real.diversity, sd: null }).mean}`,
    )
  console.log(
    `${samples} pictures for each row and noise seed; means over ${noise_seeds.length === 1 ? 'one noise seed' : `${noise_seeds.length} noise seeds, ± their standard deviation`}`,
  )

  const students = rows.filter(({ who }) => who === 'student')
  const comparisons = students.map((row) => compare(evaluation, row))
  if (comparisons[0] && comparisons[0].length > 0) {
    const ratio = (i: number, judge: string): Estimate | null =>
      comparisons[i]!.find((one) => one.judge.name === judge)?.ratio ?? null
    console.log()
    console.log(
      table(
        [...names, ...judges.map(marked)],
        students.map((row, i) => [...named(row), ...judges.map(({ name }) => estimate(ratio(i, name)))]),
      ),
    )
    console.log(
      `student / teacher: fid as a multiple of the teacher’s at its best (${bestSampler(comparisons[0])}), at equal noise; below 1 the student is better`,
    )
    if (caveat(evaluation)) console.log(caveat(evaluation))
  }
  const equal = equalTeacher(evaluation)
  const faster = speedUp(evaluation)
  if (equal && faster)
    say(
      `the student's quickest row is ${faster.toFixed(1)} times faster than the teacher's cheapest setting within 2 % of its best (${equal.solver}, ${equal.steps} steps)`,
    )
}

const explain = (lines: readonly (readonly [string, string])[]): void => {
  for (const [head, meaning] of lines) console.log(`  ${head}: ${meaning}`)
}

const FLOORS: Readonly<Record<Evaluation['floor']['kind'], string>> = {
  test: 'training pictures drawn at random, against the test pictures',
  'same-name':
    'for each prompt a training picture of its name, drawn at random; no lower bound: a copy scores 0',
  resample: 'training pictures drawn at random; no lower bound: a copy scores 0',
}
