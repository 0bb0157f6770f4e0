/** The command line: `onestroke COMMAND …`. Holds no mathematics; each command is a file. */
import { readFileSync } from 'node:fs'
import { UserError } from '@onestroke/core/formats'
import { Command, CommanderError } from 'commander'
import pc from 'picocolors'
import { demoCommand } from './demo.js'
import { distillCommand } from './distill.js'
import { evaluateCommand } from './evaluate.js'
import { infoCommand } from './info.js'
import { Interrupted } from './run-command.js'
import { sampleCommand } from './sample.js'
import { say } from './terminal.js'
import { trainCommand } from './train.js'

const build = (): Command => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  const program = new Command('onestroke')
    .description(
      'Consistency distillation: train a diffusion model on your pictures, distil it into one to four steps.',
    )
    .version(version)
    .option('--verbose', 'show the whole stack trace when something fails')
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      `
The whole path, from a folder of pictures to a student that paints in one step:
  onestroke train   pictures/ --out teacher --minutes 60
  onestroke distill teacher pictures/ --out student --minutes 20
  onestroke sample  student --out grid.png -n 16 --steps 1`,
    )
  for (const command of [
    demoCommand(),
    trainCommand(),
    distillCommand(),
    sampleCommand(),
    evaluateCommand(),
    infoCommand(),
  ])
    program.addCommand(command)
  return program
}

/** Runs a command line. Returns the exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted. */
export const main = async (argv: readonly string[]): Promise<number> => {
  const program = build()
  for (const command of [program, ...program.commands]) command.exitOverride()
  try {
    await program.parseAsync(argv)
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (error instanceof Interrupted) return 130
    return report(error, program.opts<{ verbose?: boolean }>().verbose === true)
  }
}

const report = (error: unknown, verbose: boolean): number => {
  const { message, stack } = error instanceof Error ? error : new Error(String(error))
  const remedy = error instanceof UserError && error.remedy ? `; ${error.remedy}` : ''
  say(`${pc.red('error:')} ${message.split('\n')[0]}${remedy}`)
  if (verbose) say(stack ?? '')
  else if (!(error instanceof UserError)) say(pc.dim('(--verbose shows where this happened)'))
  return error instanceof UserError ? error.exitCode : 1
}
