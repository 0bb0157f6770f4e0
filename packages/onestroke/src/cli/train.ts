import { createRequire } from 'node:module'
import {
  diffusion,
  EDM,
  type Objective,
  PREDICTION_NAMES,
  PREDICTIONS,
  type PredictionName,
} from '@onestroke/core/diffusion'
import { UserError } from '@onestroke/core/errors'
import { buildTextVocabulary, textConditioner, type Vocabulary } from '@onestroke/core/text'
import { Command, Option } from 'commander'
import { abbreviate, type Dataset } from '../data/index.js'
import { type LoadedModel, loadAutoencoder, loadModel } from '../model/index.js'
import {
  noiseRangeFor,
  OPTIMIZER_DEFAULTS,
  objectiveNamed,
  PRESETS,
  pointsFor,
  presetOf,
  TEACHER_OPTIMIZER,
} from '../training/index.js'
import { flagsFor, sharedVocabulary } from './condition.js'
import { DATA_HELP, dataOptions } from './data-options.js'
import { collectOptions, methodNamed, methodsHelp, withOptions, withoutTeacher } from './method.js'
import { checked } from './options.js'
import { type RunFlags, runCommand, runOptions } from './run-command.js'
import { refuseStudentFlags, type StudentFlags, studentOptions, studentSettings } from './student.js'
import { warn } from './terminal.js'
import { UsageError } from './usage-error.js'

const DEFAULT_MINUTES = 60
const DEFAULT_PRESET = 'base'

interface TrainFlags extends RunFlags, StudentFlags {
  preset?: string
  prediction?: PredictionName
  initFrom?: string
  autoencoder?: string
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
      DEFAULT_MINUTES,
    ),
  )
    .option(
      '--method <name>',
      'what is trained: see the list below',
      methodNamed(withoutTeacher),
      diffusion.name,
    )
    .option('--option <name=value>', 'of the method, in place of its default', collectOptions)
    .option(
      '--preset <name>',
      `size of the network: ${presets()} (default: "${DEFAULT_PRESET}")`,
      checked(presetOf),
    )
    .addOption(
      new Option(
        '--prediction <name>',
        `what the network predicts: ${predictions()} (default: "${EDM.prediction}")`,
      ).choices(PREDICTION_NAMES),
    )
    .option(
      '--init-from <model>',
      'continue from this model, with its network, prompts or classes, and noise levels',
    )
    .option(
      '--autoencoder <model>',
      'paint latents of this autoencoder in place of pixels, which is quicker by far for pictures of 128 pixels and more',
    )
    .addHelpText(
      'after',
      `${DATA_HELP}

Methods, and their options with the defaults (first, where there are words to choose from). All but the first method
make students, without a teacher:
${methodsHelp(withoutTeacher)}

Stop it at any moment, with Ctrl-C or otherwise: the same command goes on where it stopped.

  onestroke train iconify:fluent-emoji-flat,noto --out runs/emoji --minutes 120
  onestroke train photos/ --resolution 32 --out runs/photos --images 500000
  onestroke train posters/ --resolution 64x96 --out runs/posters
  onestroke train photos/ --resolution 256 --autoencoder runs/autoencoder --out runs/large`,
    )
    .action(async (spec: string, flags: TrainFlags) => {
      const objective = withOptions(objectiveNamed(flags.method), flags.option ?? {})
      if (objective.kind === 'teacher') refuseStudentFlags(flags)
      const initFrom = await goingOnFrom(flags, objective)
      const autoencoder =
        flags.autoencoder === undefined ? undefined : await loadAutoencoder(flags.autoencoder)
      return runCommand(
        spec,
        { ...(initFrom && flagsFor(initFrom)), ...flags },
        {
          command: 'train',
          objective,
          ...(objective.kind === 'student' && studentSettings(flags)),
          ...(initFrom
            ? {
                initFrom,
                preset: initFrom.config.provenance.preset,
                vocabulary: (dataset) => sharedVocabulary(initFrom, initFrom.path, dataset),
                range: () => initFrom.config,
              }
            : {
                preset: flags.preset ?? DEFAULT_PRESET,
                prediction: flags.prediction,
                vocabulary: vocabularyOf,
                autoencoder,
                range: (dataset) => noiseRangeFor(pointsFor({ autoencoder }, dataset).shape),
              }),
          minutes: DEFAULT_MINUTES,
          training: {
            batch: 64,
            optimizer: objective.kind === 'teacher' ? TEACHER_OPTIMIZER : OPTIMIZER_DEFAULTS,
            schedule: { learning_rate: 2e-3, warmup: 0.02, decay: 0.3, ema_half_life: null },
            condition_dropout: 0.1,
            word_dropout: 0.05,
          },
        },
      )
    })

/** @throws UserError if the model to continue from is missing or of the wrong kind. */
const goingOnFrom = async (
  { initFrom: path, preset, prediction, autoencoder }: TrainFlags,
  { kind }: Pick<Objective, 'kind'>,
): Promise<LoadedModel | undefined> => {
  if (path === undefined) return undefined
  if (preset !== undefined)
    throw new UsageError('--preset names a new network, and --init-from brings one', {
      remedy: 'leave one of them out',
    })
  if (prediction !== undefined)
    throw new UsageError('--prediction is for a new network, and --init-from brings one with its own', {
      remedy: 'leave one of them out',
    })
  if (autoencoder !== undefined)
    throw new UsageError('--autoencoder is for a new network, and --init-from brings what it works in', {
      remedy: 'leave one of them out',
    })
  const model = await loadModel(path)
  if (kind === 'teacher' && model.config.kind === 'student')
    throw new UsageError(`${path} is a student, which no diffusion model can begin as`, {
      remedy: 'choose a --method that makes a student, or distill --init-from',
    })
  return model
}

const presets = () =>
  Object.entries(PRESETS)
    .map(([name, { about }]) => `${name} (${about})`)
    .join(', ')

const predictions = () => PREDICTION_NAMES.map((name) => `${name} (${PREDICTIONS[name].about})`).join(', ')

/** What Unicode calls each emoji. */
const emojiNames = (): Record<string, string> => {
  const known = createRequire(import.meta.url)('unicode-emoji-json/data-by-emoji.json') as Record<
    string,
    { name: string }
  >
  return Object.fromEntries(Object.entries(known).map(([symbol, { name }]) => [symbol, name]))
}

/** Captions make a text model, classes a class model, neither an unconditional one. */
const vocabularyOf = ({ names, styles = [], classes }: Dataset): Vocabulary => {
  if (names) {
    const vocabulary = buildTextVocabulary(names, styles, { emoji: emojiNames() })
    const conditioner = textConditioner(vocabulary)
    const long = names.filter((name) => conditioner.ignoredWords(name).length > 0)
    if (long.length > 0)
      warn(
        `${long.length} of ${names.length} captions have more than ${vocabulary.tokens} words, and only the first ${vocabulary.tokens} are read: ${abbreviate(long[0]!)}`,
      )
    return vocabulary
  }
  if (classes && classes.length > 4096)
    throw new UserError(`${classes.length} classes are more than a model can hold (4096)`)
  return classes ? { kind: 'class', classes } : { kind: 'none' }
}
