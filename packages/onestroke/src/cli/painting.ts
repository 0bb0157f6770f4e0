/** What the commands that paint share: how to sample, what to paint, and how the file is written. */
import { stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { SAMPLER_NAMES, SOLVERS } from '@onestroke/core/diffusion'
import { UserError } from '@onestroke/core/errors'
import { pixelsOf, scaledBy, sizeText } from '@onestroke/core/picture'
import {
  checkPrompt,
  type GenerateOptions,
  type Recipe,
  samplingOf,
  seedsFrom,
  withRecipe,
} from '@onestroke/core/pipeline'
import { type Command, Option } from 'commander'
import { formatOf, type ImageFormat, imageGrid, writeFileAtomic } from '../formats/index.js'
import { type LoadedModel, loadModel, Model } from '../model/index.js'
import { VERSION } from '../version.js'
import { gathered, integer, MOST_STEPS, number, positive, seedNumber } from './options.js'
import { Bar, printable, say } from './terminal.js'
import { UsageError } from './usage-error.js'

export interface PaintFlags {
  out: string
  number: number
  steps?: number
  prompt?: string[]
  negativePrompt?: string
  guidanceScale?: number
  seed: number
  solver?: GenerateOptions['solver']
  sigmas?: number[]
  columns?: number
  scale?: number
  json?: boolean
}

/** Pictures that are painted at once. */
const BATCH = 64
/** More pictures than this in one file cannot be looked at. */
const MOST = 10_000
const MOST_PIXELS = 2 ** 28

const solversHelp = Object.entries(SOLVERS)
  .map(([name, { about }]) => `${name} (${about})`)
  .join(', ')

/** @param pictures painted if -n is not given */
export const paintOptions = (command: Command, pictures: number): Command =>
  command
    .requiredOption('--out <file>', 'picture to write: .png, .jpg, .webp or .avif')
    .option('-n, --number <count>', 'pictures', integer(1, MOST), pictures)
    .option('--steps <count>', 'steps; by default what the model recommends', integer(1, MOST_STEPS))
    .option('--prompt <text>', 'what to paint (or the name of a class); may be given several times', gathered)
    .option('--negative-prompt <text>', 'what guidance leads away from')
    .option('--guidance-scale <w>', 'guidance D_u + w(D_c − D_u); 1 is none', number(0))
    .option(
      '--seed <number>',
      'same seed, same pictures: picture k has the seed plus k; random or -1 draws one and prints it',
      seedNumber,
      0,
    )
    .addOption(
      new Option('--solver <name>', `for a student consistency; for a teacher ${solversHelp}`).choices(
        SAMPLER_NAMES,
      ),
    )
    .addOption(
      new Option('--sigmas <levels>', 'a student’s noise levels, falling, one for each step: 40,2.5')
        .argParser(sigmaList)
        .conflicts(['steps', 'schedule']),
    )
    .option('--columns <count>', 'of the grid', integer(1, MOST))
    .option('--scale <factor>', 'enlarge each pixel so many times', integer(1, 64))
    .option('--json', 'print what was done as JSON')

const sigmaList = (text: string): number[] => text.split(',').map(positive)

/** A model, and the folder that it comes from. */
export interface Opened {
  readonly model: Model
  readonly loaded: Pick<LoadedModel, 'path' | 'sha256'>
  /** The format that `--out` asks for. */
  readonly format: ImageFormat
}

/** Opens a model to paint with. @throws UserError also if --out cannot be written, so that this is known before painting. */
export const openModel = async (path: string, { out }: Pick<PaintFlags, 'out'>): Promise<Opened> => {
  const kind = (path: string) => stat(path).catch(() => undefined)
  if (!(await kind(dirname(out)))?.isDirectory())
    throw new UserError(`cannot write ${out}: there is no folder ${dirname(out)}`, {
      remedy: 'make it, or choose another --out',
    })
  const there = await kind(out)
  if (there?.isDirectory())
    throw new UserError(`cannot write ${out}: it is a folder`, { remedy: '--out is the picture to write' })
  // The name of something that is not a file, such as /dev/stdout, tells no format.
  const format = there?.isFile() === false ? 'png' : formatOf(out)
  const loaded = await loadModel(path)
  return { model: Model.of(loaded), loaded, format }
}

/** The prompt of each picture: those given, in turn, or else `own`. @throws UserError if the model does not take them. */
export const promptsFor = (
  model: Model,
  { prompt, number: count }: Pick<PaintFlags, 'prompt' | 'number'>,
  own: readonly string[],
): string[] => {
  for (const text of prompt ?? []) checkPrompt(model.conditioner, text)
  if (prompt && prompt.length > count)
    throw new UsageError(`${prompt.length} prompts are more than ${count} picture${count === 1 ? '' : 's'}`, {
      remedy: `choose -n ${prompt.length} or more`,
    })
  const list = prompt ?? own
  return Array.from({ length: count }, (_, i) => list[i % list.length]!)
}

/**
 * Paints the pictures, writes them as one file, and prints a summary with `facts`. A PNG holds its recipe.
 *
 * @param edit what was edited, if anything was
 */
export const paint = async (
  { model, loaded, format }: Opened,
  flags: PaintFlags,
  { prompts, seeds, to, ...own }: Omit<GenerateOptions, 'seed' | 'noise'>,
  facts: Readonly<Record<string, unknown>> = {},
  edit?: Recipe['edit'],
): Promise<void> => {
  const options = {
    num_inference_steps: flags.steps,
    solver: flags.solver,
    sigmas: flags.sigmas,
    guidance_scale: flags.guidanceScale,
    negative_prompt: flags.negativePrompt,
    ...own,
  }
  const { solver, num_inference_steps, guidance_scale } = samplingOf(model.config, options)
  if (flags.negativePrompt !== undefined && guidance_scale === 1)
    throw new UsageError('--negative-prompt does nothing without guidance', {
      remedy: 'add --guidance-scale 3, or leave it out',
    })
  const { shape } = model
  const factor = flags.scale ?? 1
  const enlarged = scaledBy(shape, factor)
  const count = prompts.length
  if (count * pixelsOf(enlarged) > MOST_PIXELS)
    throw new UsageError(`${count} pictures of ${sizeText(enlarged)} pixels are too large for one file`, {
      remedy: 'choose a smaller --scale or -n',
    })
  const read = [...prompts, to?.prompt ?? '', flags.negativePrompt ?? '']
  const warnings = model.conditioner.warnings(read)
  for (const warning of warnings) say(`note: ${printable(warning)}`)
  const begin = performance.now()
  const data = new Float32Array(count * model.pictureSize)
  const each = seeds ?? seedsFrom(flags.seed, count)
  const bar = new Bar('painting', 'pictures')
  for (let first = 0; first < count; first += BATCH) {
    const batch = <T>(of: readonly T[]) => of.slice(first, first + BATCH)
    const painted = await model.generate({
      ...options,
      prompts: batch(prompts),
      seeds: batch(each),
      ...(to && { to: { ...to, weights: batch(to.weights) } }),
    })
    data.set(painted.data, first * model.pictureSize)
    if (count > BATCH) bar.update(first + painted.count, count)
  }
  bar.stop()
  const seconds = (performance.now() - begin) / 1000
  const single = count === 1 ? Math.max(1, Math.ceil(256 / Math.max(shape.height, shape.width))) : undefined
  const { columns, scale = single } = flags
  const file = await imageGrid(
    { data, count, ...shape },
    {
      columns,
      scale,
      format,
    },
  )
  const {
    image: _,
    mask: __,
    strength: ___,
    ...told
  } = { ...options, solver, num_inference_steps, guidance_scale }
  const recipe: Recipe = {
    version: VERSION,
    model: basename(resolve(loaded.path)),
    sha256: loaded.sha256,
    prompts,
    seeds: each,
    ...told,
    to,
    edit,
  }
  await writeFileAtomic(flags.out, format === 'png' ? withRecipe(file, recipe) : file)
  const summary = {
    out: flags.out,
    pictures: count,
    solver,
    steps: num_inference_steps,
    guidance_scale,
    seed: flags.seed,
    ...facts,
    seconds,
    warnings,
  }
  if (flags.json) console.log(JSON.stringify(summary))
  else
    say(
      `${printable(flags.out)}: ${count} picture${count === 1 ? '' : 's'}, ${num_inference_steps} step${num_inference_steps === 1 ? '' : 's'} of ${solver}, ${(seconds * 1000).toFixed(0)} ms, seed ${flags.seed}${facts.to_seed === undefined ? '' : ` to ${facts.to_seed}`}`,
    )
}
