import { diffusion } from '@onestroke/core/diffusion'
import { UserError } from '@onestroke/core/formats'
import { buildTextVocabulary, Tokenizer, type Vocabulary } from '@onestroke/core/text'
import { Command } from 'commander'
import pc from 'picocolors'
import type { Dataset } from '../data/index.js'
import { OPTIMIZER_DEFAULTS, objectiveNamed, PRESETS, presetOf } from '../training/index.js'
import { collectOptions, methodNamed, methodsHelp, withOptions, withoutTeacher } from './method.js'
import { checked, DATA_HELP, dataOptions } from './options.js'
import { type RunFlags, runCommand, runOptions } from './run-command.js'
import { refuseStudentFlags, type StudentFlags, studentOptions, studentSettings } from './student.js'
import { say } from './terminal.js'

const DEFAULT_MINUTES = 60

interface TrainFlags extends RunFlags, StudentFlags {
  preset: string
  method: string
  option?: Record<string, string>
}

export const trainCommand = (): Command =>
  studentOptions(
    runOptions(
      dataOptions(
        new Command('train')
          .description('train a diffusion model (the teacher) on your pictures')
          .argument('<DATA>', 'pictures to learn from'),
      ),
    ),
  )
    .option(
      '--method <name>',
      'what is trained: see the list below',
      methodNamed(withoutTeacher),
      diffusion.name,
    )
    .option('--option <name=value>', 'of the method, in place of its default', collectOptions)
    .option('--preset <name>', `size of the network: ${presets()}`, checked(presetOf), 'base')
    .addHelpText(
      'after',
      `${DATA_HELP}

Methods, and their options with the defaults; all but the first make students, without a teacher:
${methodsHelp(withoutTeacher)}

Stop it at any moment, with Ctrl-C or otherwise: the same command goes on where it stopped.

  onestroke train iconify:fluent-emoji-flat --out runs/emoji --minutes 120
  onestroke train photos/ --resolution 32 --out runs/photos --images 500000`,
    )
    .action((spec: string, flags: TrainFlags) => {
      const objective = withOptions(objectiveNamed(flags.method), flags.option ?? {})
      if (objective.kind === 'teacher') refuseStudentFlags(flags)
      return runCommand(spec, flags, {
        command: 'train',
        preset: flags.preset,
        objective,
        ...(objective.kind === 'student' && studentSettings(flags)),
        vocabulary: vocabularyOf,
        minutes: DEFAULT_MINUTES,
        // The levels of the noise that a teacher learns depend on how many pixels agree on what the picture shows.
        range: ({ height }) => ({ sigma_min: 0.01, sigma_max: 2.5 * height }),
        training: {
          batch: 64,
          optimizer: OPTIMIZER_DEFAULTS,
          schedule: { learning_rate: 2e-3, warmup: 0.02, decay: 0.3, ema_half_life: null },
          condition_dropout: 0.1,
          word_dropout: 0.05,
        },
      })
    })

const presets = () =>
  Object.entries(PRESETS)
    .map(([name, { about }]) => `${name} (${about})`)
    .join(', ')

/** Captions make a text model, classes a class model, neither an unconditional one. */
const vocabularyOf = ({ names, styles = [], classes }: Dataset): Vocabulary => {
  if (names) {
    const vocabulary = buildTextVocabulary(names, styles)
    const tokenizer = new Tokenizer(vocabulary)
    const long = names.filter((name) => tokenizer.ignoredWords(name).length > 0)
    if (long.length > 0)
      say(
        pc.yellow(
          `${long.length} of ${names.length} captions have more than ${vocabulary.tokens} words, and only the first ${vocabulary.tokens} are read: ${long[0]}`,
        ),
      )
    return vocabulary
  }
  if (classes && classes.length > 4096)
    throw new UserError(`${classes.length} classes are more than a model can hold (4096)`)
  return classes ? { kind: 'class', classes } : { kind: 'none' }
}
