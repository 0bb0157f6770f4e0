import { storedConfig } from '@onestroke/core/formats'
import { bytesOf, storedManifest } from '@onestroke/core/pipeline'
import type { Storage } from '@onestroke/core/tensor'
import { Command, Option } from 'commander'
import { exportFolder, exportModel, TARGETS, type Target } from '../export/index.js'
import { type LoadedModel, loadModel, SAVED_STORAGES, type SavedStorage } from '../model/index.js'
import { flagsFor } from './condition.js'
import { DATA_HELP, type DataFlags, dataOptions } from './data-options.js'
import { openData } from './open-data.js'
import { dtypeOption, integer, listed } from './options.js'
import { Bar, say, showingFeatures, table } from './terminal.js'
import { UsageError } from './usage-error.js'

interface ExportFlags extends DataFlags {
  out: string
  dtype: Storage
  target: Target
  license?: string
  data?: string
  teacher?: string
  samples: number
  json?: boolean
}

/** Flags that only measuring needs. */
const MEASURING = [
  'teacher',
  'samples',
  ...dataOptions(new Command()).options.map((option) => option.attributeName()),
]

export const exportCommand = (): Command =>
  dataOptions(
    new Command('export')
      .description(
        'write a model as one ONNX graph with a manifest: all that an app needs; or as a model folder of half the bytes',
      )
      .argument('<MODEL>', 'model folder'),
  )
    .requiredOption('--out <dir>', 'folder to write')
    .addOption(dtypeOption('how weights are stored; they are computed with in float32'))
    .addOption(new Option('--target <target>', listed(TARGETS)).choices(Object.keys(TARGETS)).default('node'))
    .option(
      '--license <text>',
      'of the weights and of what they paint, for the manifest; by default that of the pictures they learned from, where it is known',
    )
    .option('--data <DATA>', 'measures on these pictures what the rounding costs')
    .option('--teacher <model>', 'with --data: also the distance to this teacher’s path')
    .option(
      '--samples <count>',
      'with --data: pictures to paint for each number',
      integer(64, 1_000_000),
      2048,
    )
    .option('--json', 'print the manifest, or the model’s config, on standard output')
    .addHelpText(
      'after',
      `${DATA_HELP}

  onestroke export models/emoji-32-student --out emoji --target web --dtype int8
  onestroke export runs/student --out web/model --data photos/ --teacher runs/teacher
  onestroke export runs/student --out models/mine --target model --dtype fp16`,
    )
    .action(async (path: string, flags: ExportFlags, command: Command) => {
      for (const flag of MEASURING)
        if (flags.data === undefined && command.getOptionValueSource(flag) === 'cli')
          throw new UsageError(`--${flag} is for measuring, which needs --data`)
      const model = await loadModel(path)
      const { target } = flags
      if (target === 'model') return exportAgain(model, flags)
      const teacher = flags.teacher === undefined ? undefined : await loadModel(flags.teacher)
      const dataset =
        flags.data === undefined ? undefined : await openData(flags.data, { ...flagsFor(model), ...flags })
      const bar = new Bar('measuring', 'pictures')
      const { manifest, weight } = await showingFeatures((notify) =>
        exportModel({
          model,
          out: flags.out,
          dtype: flags.dtype,
          target,
          license: flags.license,
          ...(dataset && {
            measure: {
              dataset,
              samples: flags.samples,
              ...notify,
              teacher,
              onProgress: (done, total) => bar.update(done, total),
            },
          }),
        }),
      ).finally(() => bar.stop())
      if (flags.json) return console.log(JSON.stringify(storedManifest(manifest), null, 2))
      const { graphs, dtype, rmse_to_fp32, quality } = manifest
      const bytes = bytesOf(graphs)
      sayWritten(flags.out, { dtype, bytes, rmse_to_fp32 })
      if (weight) {
        const { wasm, jspi, asyncify } = weight
        const load = ({ bytes, gzip }: typeof wasm) => `${mega(bytes)} (gzip ${mega(gzip)})`
        say(
          `the folder: ${mega(weight.bytes)}; a visitor loads ${load(wasm)}, with WebGPU ${load(jspi)}, in browsers without JSPI ${load(asyncify)}`,
        )
        say(`to see it: npx serve ${flags.out}`)
      }
      if (!quality) return
      const show = (value: number | null, digits: number) => (value === null ? '–' : value.toFixed(digits))
      console.log(
        table(
          ['steps', 'fid', 'fid fp32', 'distance', 'distance fp32'],
          quality.rows.map((row) => [
            String(row.steps),
            show(row.fid, 2),
            show(row.fid_fp32, 2),
            show(row.teacher_distance, 4),
            show(row.teacher_distance_fp32, 4),
          ]),
        ),
      )
    })

const isSaved = (dtype: Storage): dtype is SavedStorage => SAVED_STORAGES.some((storage) => storage === dtype)

const exportAgain = async (
  model: LoadedModel,
  { out, dtype, license, data, json }: ExportFlags,
): Promise<void> => {
  const usage = (message: string, remedy: string) => new UsageError(message, { remedy })
  if (!isSaved(dtype))
    throw usage(
      `a model folder holds no ${dtype}`,
      `--dtype ${SAVED_STORAGES.at(-1)}, or --target node or web for a graph in ${dtype}`,
    )
  for (const [flag, value] of Object.entries({ license, data }))
    if (value !== undefined)
      throw usage(`--${flag} is for the manifest of a graph`, '--target node or web writes one')
  const written = await exportFolder(model, out, dtype)
  if (json) return console.log(JSON.stringify(storedConfig(written.config), null, 2))
  sayWritten(out, { dtype, ...written })
}

const mega = (bytes: number, digits = 1) => `${(bytes / 1e6).toFixed(digits)} MB`

const sayWritten = (
  out: string,
  { dtype, bytes, rmse_to_fp32 }: { dtype: Storage; bytes: number; rmse_to_fp32: number },
): void => say(`${out}: ${mega(bytes, 2)} in ${dtype}, pictures off by ${rmse_to_fp32.toFixed(4)}`)
