/** What the commands that paint share: how to sample, what to paint, and the PNG that comes of it. */
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { UserError } from '@onestroke/core/formats'
import type { GenerateOptions } from '@onestroke/core/pipeline'
import { promptNotes } from '@onestroke/core/text'
import { type Command, Option } from 'commander'
import { pngGrid, pngOf, writeFileAtomic } from '../formats/index.js'
import { Model } from '../model/index.js'
import { gathered, integer, MOST_STEPS, number, positive } from './options.js'
import { Bar, say } from './terminal.js'

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
/** More pictures than this in one PNG cannot be looked at. */
const MOST = 10_000
const MOST_PIXELS = 2 ** 28

/** @param pictures painted if -n is not given */
export const paintOptions = (command: Command, pictures: number): Command =>
  command
    .requiredOption('--out <file>', 'PNG file to write')
    .option('-n, --number <count>', 'pictures', integer(1, MOST), pictures)
    .option('--steps <count>', 'steps; by default what the model recommends', integer(1, MOST_STEPS))
    .option('--prompt <text>', 'what to paint (or the name of a class); may be given several times', gathered)
    .option('--negative-prompt <text>', 'what guidance leads away from')
    .option('--guidance-scale <w>', 'guidance D_u + w(D_c − D_u); 1 is none', number(0))
    .option('--seed <number>', 'same seed, same pictures', integer(0), 0)
    .addOption(
      new Option('--solver <name>', 'for a student consistency, for a teacher the others').choices([
        'consistency',
        'ddim',
        'heun',
        'dpmpp_2m',
      ]),
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

/** A model to paint with. @throws UserError also if its pictures would have no place: before it is painted, not after. */
export const openModel = async (path: string, { out }: Pick<PaintFlags, 'out'>): Promise<Model> => {
  const kind = (path: string) => stat(path).catch(() => undefined)
  if (!(await kind(dirname(out)))?.isDirectory())
    throw new UserError(`cannot write ${out}: there is no folder ${dirname(out)}`, {
      remedy: 'make it, or choose another --out',
    })
  if ((await kind(out))?.isDirectory())
    throw new UserError(`cannot write ${out}: it is a folder`, { remedy: '--out is the PNG file to write' })
  return Model.load(path)
}

/** Prompts that the model takes: those given, in turn, or else `own`. @throws UserError if it takes none, or not these. */
export const promptsFor = (
  model: Model,
  { prompt, number: count }: Pick<PaintFlags, 'prompt' | 'number'>,
  own: readonly string[],
): string[] => {
  for (const text of prompt ?? []) model.checkPrompt(text, '--prompt')
  if (prompt && prompt.length > count)
    throw new UserError(`${prompt.length} prompts are more than ${count} picture${count === 1 ? '' : 's'}`, {
      exitCode: 2,
      remedy: `choose -n ${prompt.length} or more`,
    })
  const list = prompt ?? own
  return Array.from({ length: count }, (_, i) => list[i % list.length]!)
}

/** Paints the pictures, writes them as one PNG, and says so, with `facts` beside. */
export const paint = async (
  model: Model,
  flags: PaintFlags,
  { prompts, seeds, to, ...own }: Omit<GenerateOptions, 'seed' | 'first'>,
  facts: Readonly<Record<string, unknown>> = {},
): Promise<void> => {
  const options = {
    seed: flags.seed,
    ...(flags.steps && { num_inference_steps: flags.steps }),
    ...(flags.solver && { solver: flags.solver }),
    ...(flags.sigmas && { sigmas: flags.sigmas }),
    ...(flags.guidanceScale !== undefined && { guidance_scale: flags.guidanceScale }),
    ...(flags.negativePrompt !== undefined && { negative_prompt: flags.negativePrompt }),
    ...own,
  }
  const { solver, num_inference_steps, guidance_scale } = model.sampling(options)
  if (flags.negativePrompt !== undefined && guidance_scale === 1)
    throw new UserError('--negative-prompt does nothing without guidance', {
      exitCode: 2,
      remedy: 'add --guidance-scale 3, or leave it out',
    })
  const { channels, resolution } = model.config.network
  const side = resolution * (flags.scale ?? 1)
  const count = prompts.length
  if (count * side ** 2 > MOST_PIXELS)
    throw new UserError(`${count} pictures of ${side}×${side} pixels are too large for one PNG`, {
      exitCode: 2,
      remedy: 'choose a smaller --scale or -n',
    })
  for (const note of promptNotes(model.tokenizer, [...prompts, to?.prompt ?? ''])) say(`note: ${note}`)
  const begin = performance.now()
  const data = new Float32Array(count * model.pictureSize)
  const bar = new Bar('painting', 'pictures')
  for (let first = 0; first < count; first += BATCH) {
    const batch = <T>(of: readonly T[]) => of.slice(first, first + BATCH)
    const painted = await model.generate({
      ...options,
      prompts: batch(prompts),
      first,
      ...(seeds && { seeds: batch(seeds) }),
      ...(to && { to: { ...to, weights: batch(to.weights) } }),
    })
    data.set(painted.data, first * model.pictureSize)
    if (count > BATCH) bar.update(first + painted.count, count)
  }
  bar.stop()
  const seconds = (performance.now() - begin) / 1000
  const picture = { data, channels: channels as 1 | 3, height: resolution, width: resolution }
  const png =
    count === 1
      ? await pngOf(picture, { scale: flags.scale ?? Math.max(1, Math.ceil(256 / resolution)) })
      : await pngGrid(
          { ...picture, count },
          {
            ...(flags.columns && { columns: flags.columns }),
            ...(flags.scale && { scale: flags.scale }),
          },
        )
  await writeFileAtomic(flags.out, png)
  const summary = {
    out: flags.out,
    pictures: count,
    solver,
    steps: num_inference_steps,
    guidance_scale,
    seed: flags.seed,
    ...facts,
    seconds,
  }
  if (flags.json) console.log(JSON.stringify(summary))
  else
    say(
      `${flags.out}: ${count} picture${count === 1 ? '' : 's'}, ${num_inference_steps} step${num_inference_steps === 1 ? '' : 's'} of ${solver}, ${(seconds * 1000).toFixed(0)} ms`,
    )
}
