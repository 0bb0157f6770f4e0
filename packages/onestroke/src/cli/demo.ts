import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UserError } from '@onestroke/core/errors'
import { square } from '@onestroke/core/picture'
import { Command } from 'commander'
import pc from 'picocolors'
import type { Dataset } from '../data/index.js'
import { samplePrompts } from '../evaluation/index.js'
import { pngGrid } from '../formats/index.js'
import { loadModel, Model } from '../model/index.js'
import { counted, type Report, solverName } from '../report/index.js'
import { distillSettings, reporting } from './distill.js'
import { integer } from './options.js'
import { minutes, runCommand } from './run-command.js'
import { say } from './terminal.js'

const MODELS = fileURLToPath(new URL('../../../../models/', import.meta.url))
/** The teacher that the demo distils, and the finished pair that its report shows beside it. */
const SMALL_TEACHER = join(MODELS, 'emoji-16-teacher')
const LARGE = { teacher: join(MODELS, 'emoji-32-teacher'), student: join(MODELS, 'emoji-32-student') }
const DATA = 'iconify:fluent-emoji-flat,noto'
const CATEGORIES = ['Smileys & Emotion', 'Animals & Nature', 'Food & Drink']
const DEFAULT_MINUTES = 9

export const demoCommand = (): Command =>
  new Command('demo')
    .description('watch a teacher being distilled into a one-step student, on this machine, in a few minutes')
    .option('--out <dir>', 'folder for the student and its report', 'onestroke-demo')
    .option('--minutes <time>', 'time for all of it', minutes, DEFAULT_MINUTES)
    .option('--seed <number>', 'of the training', integer(0), 0)
    .option('--force', 'start over')
    .option('--json', 'print one JSON document on standard output')
    .action(
      async (flags: { out: string; minutes: number; seed: number; force?: boolean; json?: boolean }) => {
        if (!existsSync(SMALL_TEACHER))
          throw new UserError(`the demo's teacher is missing: ${SMALL_TEACHER}`, {
            remedy: 'clone the whole repository, or start with onestroke train',
          })
        const teacher = await loadModel(SMALL_TEACHER)
        say(
          `${pc.bold('onestroke demo')}: a teacher that paints emoji at 16×16 in many strokes is distilled into a student that needs one.`,
        )
        const run = {
          ...flags,
          translate: 0,
          checkpointEvery: 60,
          threads: 0,
          resolution: square(16),
          category: CATEGORIES,
        }
        const settings = distillSettings(teacher, {})
        await runCommand(DATA, run, {
          ...settings,
          ...reporting(SMALL_TEACHER, flags.out, settings, {
            title: 'Emoji in one stroke',
            extend: showLarge,
          }),
        })
      },
    )

/** Adds the shipped 32×32 pair to the report: the same distillation, given longer. */
const showLarge = async (
  report: Report,
  pictures: Record<string, Uint8Array>,
  dataset: Dataset,
): Promise<void> => {
  if (!existsSync(LARGE.student)) return
  const prompts = samplePrompts(dataset, 32)
  const grids: Report['sections'][number]['grids'] = []
  const paint = async (path: string, asked?: number) => {
    const model = await Model.load(path)
    const { kind, sampling } = model.config
    const steps = asked ?? sampling.num_inference_steps
    // The first run compiles.
    await model.generate({ prompts, seed: 1, num_inference_steps: 1 })
    const begin = performance.now()
    const painted = await model.generate({ prompts, seed: 1, num_inference_steps: steps })
    const ms = (performance.now() - begin) / prompts.length
    const png = `large-${kind}-${steps}.png`
    const highlight = kind === 'student'
    const caption = highlight
      ? `Shipped student, 32×32, ${counted(steps, 'step')}`
      : `Its teacher, ${counted(steps, 'step')} of ${solverName(sampling.solver)}`
    pictures[png] = await pngGrid(painted, { columns: 8 })
    grids.push({ caption, detail: `${ms.toFixed(2)} ms per picture`, highlight, png })
    await model.release()
  }
  await paint(LARGE.student, 1)
  await paint(LARGE.student, 2)
  if (existsSync(LARGE.teacher)) await paint(LARGE.teacher)
  report.sections.push({
    title: 'The same at 32×32, ready made',
    text: 'The student that comes with onestroke, from the same noise as its teacher.',
    grids,
  })
}
