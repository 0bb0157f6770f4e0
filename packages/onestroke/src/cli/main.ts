/** The command line: `onestroke COMMAND …`. Holds no mathematics; each command is a file. */
import { told, UserError } from '@onestroke/core/errors'
import { Command, CommanderError } from 'commander'
import pc from 'picocolors'
import { VERSION } from '../version.js'
import { handleInterrupts, Interrupted, printable, say } from './terminal.js'
import { UsageError } from './usage-error.js'
import { startWatchdog } from './watchdog.js'
import { inFlags } from './words.js'

/** Every command, in the order of `--help`. */
export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  demo: async () => (await import('./demo.js')).demoCommand(),
  autoencoder: async () => (await import('./autoencoder.js')).autoencoderCommand(),
  train: async () => (await import('./train.js')).trainCommand(),
  distill: async () => (await import('./distill.js')).distillCommand(),
  sample: async () => (await import('./sample.js')).sampleCommand(),
  edit: async () => (await import('./edit.js')).editCommand(),
  evaluate: async () => (await import('./evaluate.js')).evaluateCommand(),
  info: async () => (await import('./info.js')).infoCommand(),
  export: async () => (await import('./export.js')).exportCommand(),
  serve: async () => (await import('./serve.js')).serveCommand(),
  studio: async () => (await import('./studio.js')).studioCommand(),
}

/** The program with only the given command, which starts in half the time; with all commands if none is given. */
const build = async (argv: readonly string[]): Promise<Command> => {
  const program = new Command('onestroke')
    .description(
      'Consistency distillation: train a diffusion model on your pictures, distil it into one to four steps.',
    )
    .version(VERSION)
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
  const asked = argv.slice(2).find((word) => !word.startsWith('-'))
  const known = asked !== undefined && Object.hasOwn(COMMANDS, asked)
  const commands = known ? [COMMANDS[asked]!] : Object.values(COMMANDS)
  for (const command of await Promise.all(commands.map((load) => load()))) program.addCommand(command)
  return program
}

/** Most bytes of a command line, in UTF-8. From about 28,000 on, onnxruntime, which reads it, crashes the process. */
const LONGEST = 20_000

/** Runs a command line. Returns the exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted. */
export const main = async (argv: readonly string[]): Promise<number> => {
  handleInterrupts()
  const bytes = Buffer.byteLength(argv.join(' '))
  if (bytes > LONGEST)
    return report(
      new UsageError(`a command line of ${bytes.toLocaleString('en')} bytes is too long`, {
        remedy: `use at most ${LONGEST.toLocaleString('en')}; models read only the first words of a prompt`,
      }),
      false,
    )
  const program = await build(argv)
  program.hook('preAction', startWatchdog)
  for (const command of [program, ...program.commands])
    command.exitOverride().configureOutput({ outputError: (text, write) => write(oneLine(text)) })
  const failed = (error: unknown) => report(error, program.opts<{ verbose?: boolean }>().verbose === true)
  process.on('uncaughtException', (error) => process.exit(failed(error)))
  // The reader of our output may stop early, as `head` does.
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => process.exit(code === 'EPIPE' ? 0 : 1))
  // A closed stderr (`2>&1 | tee`, after Ctrl-C) must not stop the work.
  process.stderr.on('error', () => {})
  try {
    await program.parseAsync(argv)
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (error instanceof Interrupted) return 130
    return failed(error)
  }
}

/** "error: unknown option '--step'", and "(Did you mean --steps?)" from the line below. */
const oneLine = (text: string): string => `${text.trim().replace(/\s*\n\s*/g, ' ')}\n`

const OUT_OF_MEMORY = /allocation failed|Invalid typed array length|Failed to allocate memory|bad_alloc/

const report = (error: unknown, verbose: boolean): number => {
  const { message, stack, cause } = error instanceof Error ? error : new Error(String(error))
  const [what] = OUT_OF_MEMORY.test(message) ? [`not enough memory: ${message}`] : message.split('\n')
  const line = oneLine(what!).trim()
  const theirs = error instanceof UserError
  const hint = theirs || verbose ? '' : ` ${pc.dim('(--verbose shows where this happened)')}`
  const said = theirs ? told({ message: line, remedy: error.remedy }, inFlags) : line
  say(`${pc.red('error:')} ${printable(said)}${hint}`)
  if (verbose) say(stack ?? '')
  if (verbose && cause) say(`caused by ${cause instanceof Error ? cause.stack : String(cause)}`)
  const wrongUsage = error instanceof UsageError || (theirs && error.option !== undefined)
  return wrongUsage ? 2 : 1
}
