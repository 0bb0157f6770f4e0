import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { UserError } from '@onestroke/core/formats'
import type { GenerateOptions } from '@onestroke/core/pipeline'
import { Command, Option } from 'commander'
import { pngGrid, pngOf, writeFileAtomic } from '../formats/index.js'
import { Model } from '../model/index.js'
import { integer, MOST_STEPS, number, positive } from './options.js'
import { Bar, say } from './terminal.js'

interface SampleFlags {
  out: string
  number: number
  steps?: number
  prompt?: string[]
  negativePrompt?: string
  guidanceScale?: number
  seed: number
  solver?: GenerateOptions['solver']
  schedule?: GenerateOptions['schedule']
  sigmas?: number[]
  gamma?: number
  columns?: number
  scale?: number
  json?: boolean
}

/** Pictures that are painted at once. */
const BATCH = 64
/** More pictures than this in one PNG cannot be looked at. */
const MOST = 10_000
const MOST_PIXELS = 2 ** 28

export const sampleCommand = (): Command =>
  new Command('sample')
    .description('paint pictures with a model, as one PNG grid')
    .argument('<MODEL>', 'model folder')
    .requiredOption('--out <file>', 'PNG file to write')
    .option('-n, --number <count>', 'pictures', integer(1, MOST), 16)
    .option('--steps <count>', 'steps; by default what the model recommends', integer(1, MOST_STEPS))
    .option(
      '--prompt <text>',
      'what to paint (or the name of a class); may be given several times',
      (text, all: string[] = []) => [...all, text],
    )
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
      new Option('--schedule <name>', 'noise levels of the steps (lcm: only for students)').choices([
        ...['karras', 'ddim', 'linear', 'lcm'],
      ]),
    )
    .option('--sigmas <levels>', 'a student’s noise levels, falling, one for each step: 40,2.5', sigmaList)
    .option(
      '--gamma <share>',
      'how much of a student’s further steps is fresh noise: 0 none, 1 all',
      number(0, 1),
    )
    .option('--columns <count>', 'of the grid', integer(1, MOST))
    .option('--scale <factor>', 'enlarge each pixel so many times', integer(1, 64))
    .option('--json', 'print what was done as JSON')
    .addHelpText(
      'after',
      `
  onestroke sample models/emoji-32-student --prompt "red heart" --steps 1 --out heart.png -n 1
  onestroke sample models/emoji-32-student --prompt cat --prompt dog -n 16 --out grid.png`,
    )
    .action(async (path: string, flags: SampleFlags) => {
      await checkPlace(flags.out)
      const model = await Model.load(path)
      const prompts = promptsFor(model, flags)
      const options = {
        seed: flags.seed,
        ...(flags.steps && { num_inference_steps: flags.steps }),
        ...(flags.solver && { solver: flags.solver }),
        ...(flags.schedule && { schedule: flags.schedule }),
        ...(flags.sigmas && { sigmas: flags.sigmas }),
        ...(flags.gamma !== undefined && { gamma: flags.gamma }),
        ...(flags.guidanceScale !== undefined && { guidance_scale: flags.guidanceScale }),
        ...(flags.negativePrompt !== undefined && { negative_prompt: flags.negativePrompt }),
      }
      const { solver, num_inference_steps, guidance_scale } = model.sampling(options)
      if (flags.negativePrompt !== undefined && guidance_scale === 1)
        throw new UserError('--negative-prompt does nothing without guidance', {
          exitCode: 2,
          remedy: 'add --guidance-scale 3, or leave it out',
        })
      const side = model.config.network.resolution * (flags.scale ?? 1)
      if (flags.number * side ** 2 > MOST_PIXELS)
        throw new UserError(`${flags.number} pictures of ${side}×${side} pixels are too large for one PNG`, {
          exitCode: 2,
          remedy: 'choose a smaller --scale or -n',
        })
      warnOfUnknownWords(model, flags.prompt ?? [])
      const begin = performance.now()
      const data = new Float32Array(prompts.length * model.pictureSize)
      const bar = new Bar('painting', 'pictures')
      for (let first = 0; first < prompts.length; first += BATCH) {
        const painted = await model.generate({
          ...options,
          prompts: prompts.slice(first, first + BATCH),
          first,
        })
        data.set(painted.data, first * model.pictureSize)
        if (prompts.length > BATCH) bar.update(first + painted.count, prompts.length)
      }
      bar.stop()
      const seconds = (performance.now() - begin) / 1000
      const { channels, resolution } = model.config.network
      const picture = { channels: channels as 1 | 3, height: resolution, width: resolution }
      const png =
        prompts.length === 1
          ? await pngOf(
              { ...picture, data },
              { scale: flags.scale ?? Math.max(1, Math.ceil(256 / resolution)) },
            )
          : await pngGrid(
              { ...picture, data, count: prompts.length },
              {
                ...(flags.columns && { columns: flags.columns }),
                ...(flags.scale && { scale: flags.scale }),
              },
            )
      await writeFileAtomic(flags.out, png)
      const summary = {
        out: flags.out,
        pictures: prompts.length,
        solver,
        steps: num_inference_steps,
        guidance_scale,
        seed: flags.seed,
        seconds,
      }
      if (flags.json) console.log(JSON.stringify(summary))
      else
        say(
          `${flags.out}: ${prompts.length} picture${prompts.length === 1 ? '' : 's'}, ${num_inference_steps} step${num_inference_steps === 1 ? '' : 's'} of ${solver}, ${(seconds * 1000).toFixed(0)} ms`,
        )
    })

const sigmaList = (text: string): number[] => text.split(',').map(positive)

/** Whether a file can be there: before it is painted, not after. */
const checkPlace = async (out: string): Promise<void> => {
  const kind = (path: string) => stat(path).catch(() => undefined)
  if (!(await kind(dirname(out)))?.isDirectory())
    throw new UserError(`cannot write ${out}: there is no folder ${dirname(out)}`, {
      remedy: 'make it, or choose another --out',
    })
  if ((await kind(out))?.isDirectory())
    throw new UserError(`cannot write ${out}: it is a folder`, { remedy: '--out is the PNG file to write' })
}

/** The prompts given, in turn; without any, one picture of each of the model's own words or classes in turn. */
const promptsFor = (model: Model, { prompt, number: count }: SampleFlags): string[] => {
  const { vocabulary } = model.config
  if (prompt && vocabulary.kind === 'none')
    throw new UserError('this model was trained without prompts or classes', {
      exitCode: 2,
      remedy: 'leave out --prompt',
    })
  for (const text of prompt ?? []) model.encode(text)
  const own = vocabulary.kind === 'class' ? vocabulary.classes : ['']
  const list = prompt ?? own
  return Array.from({ length: count }, (_, i) => list[i % list.length]!)
}

const warnOfUnknownWords = (model: Model, prompts: readonly string[]): void => {
  const unknown = [...new Set(prompts.flatMap((prompt) => model.tokenizer.unknownWords(prompt)))]
  if (unknown.length > 0)
    say(
      `note: the model has not seen ${unknown.map((word) => `"${word}"`).join(', ')}; it goes by similar spelling`,
    )
}
