import { UserError } from '@onestroke/core/formats'
import { Command } from 'commander'
import { evaluate } from '../evaluation/index.js'
import { loadModel } from '../model/index.js'
import { bestTeacher, type Evaluation, speedUp } from '../report/index.js'
import { DATA_HELP, type DataFlags, dataOptions, integer, stepCounts } from './options.js'
import { openData } from './run-command.js'
import { Bar, say, showingFeatures, table } from './terminal.js'

interface EvaluateFlags extends DataFlags {
  data: string
  teacher?: string
  steps: number[]
  samples: number
  seed: number
  features?: string
  json?: boolean
}

export const evaluateCommand = (): Command =>
  dataOptions(
    new Command('evaluate')
      .description(
        'measure a model: distances to the data, precision and recall, prompts, speed, distance to its teacher',
      )
      .argument('<MODEL>', 'model folder')
      .requiredOption('--data <DATA>', 'pictures to compare with'),
  )
    .option('--teacher <model>', 'model folder of the student’s teacher')
    .option('--steps <list>', 'step counts, separated by commas', stepCounts, [1, 2, 4])
    .option('--samples <count>', 'pictures to paint for each row', integer(64, 1_000_000), 2048)
    .option('--seed <number>', 'of the noise', integer(0), 0)
    .option('--features <file>', 'an ONNX model [N, C, H, W] → features; by default one trained on the data')
    .option('--json', 'print one JSON document on standard output')
    .addHelpText('after', DATA_HELP)
    .action(async (path: string, flags: EvaluateFlags) => {
      const model = await loadModel(path)
      const teacher = flags.teacher === undefined ? undefined : await loadModel(flags.teacher)
      if (teacher && teacher.config.kind !== 'teacher')
        throw new UserError(`--teacher ${flags.teacher} is a student, not a diffusion model`, { exitCode: 2 })
      const { resolution, channels } = model.config.network
      const dataset = await openData(flags.data, {
        resolution,
        channels: channels === 1 ? '1' : '3',
        ...flags,
      })
      const bar = new Bar('evaluating', 'pictures')
      const evaluation = await showingFeatures((notify) =>
        evaluate({
          model,
          ...(teacher && { teacher }),
          ...{ dataset, steps: flags.steps, samples: flags.samples, seed: flags.seed, ...notify },
          ...(flags.features && { file: flags.features }),
          onProgress: (what, done, total) => bar.update(done, total, what),
        }),
      ).finally(() => bar.stop())
      if (flags.json) console.log(JSON.stringify(evaluation, null, 2))
      else print(evaluation)
    })

const print = (evaluation: Evaluation): void => {
  const show = (value: number | null, digits: number) => (value === null ? '–' : value.toFixed(digits))
  const rows = evaluation.rows.map((row) => [
    row.who,
    row.solver,
    String(row.steps),
    String(row.nfe),
    show(row.fid, 2),
    show(row.kid, 4),
    show(row.precision, 3),
    show(row.recall, 3),
    show(row.prompt_top1, 3),
    show(row.prompt_top5, 3),
    show(row.teacher_distance, 4),
    row.seconds_per_image === null ? '–' : (row.seconds_per_image * 1000).toFixed(3),
  ])
  const head = [
    'who',
    'solver',
    'steps',
    'nfe',
    'fid',
    'kid',
    'precision',
    'recall',
    'top1',
    'top5',
    'distance',
    'ms/image',
  ]
  console.log(table(head, rows))
  console.log(
    `real against real: fid ${show(evaluation.floor.fid, 2)}, kid ${show(evaluation.floor.kid, 4)}; features: ${evaluation.features.name}`,
  )
  const best = bestTeacher(evaluation)
  const faster = speedUp(evaluation)
  if (best && faster)
    say(
      `the student's quickest row is ${faster.toFixed(1)} times faster than the teacher's best (${best.solver}, ${best.steps} steps)`,
    )
}
