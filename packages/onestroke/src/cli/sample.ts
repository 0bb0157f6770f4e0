import { SCHEDULES } from '@onestroke/core/diffusion'
import { checkPrompt, type GenerateOptions, STEP_SPACINGS } from '@onestroke/core/pipeline'
import { Command, Option } from 'commander'
import type { Model } from '../model/index.js'
import { number, seedNumber } from './options.js'
import { openModel, type PaintFlags, paint, paintOptions, promptsFor } from './painting.js'
import { UsageError } from './usage-error.js'

interface SampleFlags extends PaintFlags {
  schedule?: GenerateOptions['schedule']
  gamma?: number
  toPrompt?: string
  toSeed?: number
}

const schedulesHelp = [
  ...Object.entries(SCHEDULES).map(([name, { about }]) => `${name} (${about})`),
  'lcm (only for students)',
].join(', ')

export const sampleCommand = (): Command =>
  paintOptions(
    new Command('sample')
      .description('paint pictures with a model, as one picture')
      .argument('<MODEL>', 'model folder'),
    16,
  )
    .addOption(
      new Option('--schedule <name>', `noise levels of the steps: ${schedulesHelp}`).choices(STEP_SPACINGS),
    )
    .option(
      '--gamma <share>',
      'how much of a student’s further steps is fresh noise: 0 none, 1 all',
      number(0, 1),
    )
    .option(
      '--to-prompt <text>',
      'interpolate to this prompt: the first picture is of --prompt, the last of this',
    )
    .option(
      '--to-seed <number>',
      'interpolate to this seed’s picture; random or -1 draws one and prints it',
      seedNumber,
    )
    .addHelpText(
      'after',
      `
  onestroke sample models/emoji-32-student --prompt "red heart" --steps 1 --out heart.png -n 1
  onestroke sample models/emoji-32-student --prompt cat --prompt dog -n 16 --out grid.png

With --to-prompt, --to-seed or both, the pictures lead in even steps from one picture, of --prompt and --seed, to
another. All of them start from that one prompt, and from the noise of that one seed.
  onestroke sample models/emoji-32-student --prompt "cat face" --to-prompt "dog face" -n 8 --columns 8 --out way.png
  onestroke sample models/emoji-32-student --prompt owl --seed 1 --to-seed 2 -n 8 --columns 8 --out owls.png`,
    )
    .action(async (path: string, flags: SampleFlags) => {
      const opened = await openModel(path, flags)
      const { model } = opened
      const way = wayOf(model, flags)
      const own = model.conditioner.classes ?? ['']
      await paint(
        opened,
        flags,
        {
          prompts: promptsFor(model, flags, way ? own.slice(0, 1) : own),
          schedule: flags.schedule,
          gamma: flags.gamma,
          ...way,
        },
        {
          to_prompt: flags.toPrompt,
          to_seed: flags.toSeed,
        },
      )
    })

/** An even interpolation from the prompt and seed to others. @throws UserError if the flags do not describe one. */
const wayOf = (
  model: Model,
  { number: count, prompt = [], seed, toPrompt, toSeed }: SampleFlags,
): Pick<GenerateOptions, 'seeds' | 'to'> | undefined => {
  if (toPrompt === undefined && toSeed === undefined) return undefined
  if (count < 2)
    throw new UsageError('an interpolation needs at least two pictures', { remedy: 'choose -n 2 or more' })
  if (prompt.length > 1)
    throw new UsageError(`an interpolation begins at one prompt, not at ${prompt.length}`, {
      remedy: 'give --prompt once',
    })
  if (toPrompt !== undefined) checkPrompt(model.conditioner, toPrompt, 'to.prompt')
  return {
    seeds: Array<number>(count).fill(seed),
    to: {
      weights: Array.from({ length: count }, (_, i) => i / (count - 1)),
      prompt: toPrompt,
      seed: toSeed,
    },
  }
}
