/** What stands on a terminal of 80 columns: whole lines, also when a Ctrl-C comes between. */
import { execFile, execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { barLine } from '../../packages/onestroke/src/cli/terminal.js'
import { scratch, tiny, writePictures } from './testing.js'

const PROGRAM = fileURLToPath(new URL('../../packages/onestroke/bin/onestroke.js', import.meta.url))
const COLUMNS = 80

/** Runs a command on a terminal of its own, types Ctrl-C when it has seen a text, and writes all that the terminal got. */
const ON_A_TERMINAL = `
import fcntl, os, pty, struct, sys, termios
columns, seen = int(sys.argv[1]), sys.argv[2].encode()
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
    os.execvp(sys.argv[3], sys.argv[3:])
got, typed = b'', False
while True:
    try:
        some = os.read(terminal, 65536)
    except OSError:
        break
    if not some:
        break
    got += some
    if seen in got and not typed:
        typed = True
        os.write(terminal, b'\\x03')
status = os.waitpid(pid, 0)[1]
sys.stdout.buffer.write(got)
sys.exit(os.waitstatus_to_exitcode(status))
`

/** Why there is no terminal to test with; undefined if there is one. */
const terminalLacks = (() => {
  try {
    execFileSync('python3', ['-c', 'import pty, os; os.close(pty.openpty()[0])'], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'python3 with its pty module is not there'
  }
})()

/** One sequence that moves the cursor or the like, or one sign. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal hears
const SIGNS = /\x1b(?:([78])|\[(\??)(\d*)([A-Za-z]))|[\s\S]/gu

/** The lines that stand on a terminal in the end. Fails at a sequence that it does not know. */
const screenOf = (text: string): string[] => {
  const lines: string[][] = [[]]
  let [row, column, wraps] = [0, 0, true]
  let saved = [0, 0] as [number, number]
  const line = (at: number) => {
    while (lines.length <= at) lines.push([])
    return lines[at]!
  }
  for (const [part, command, mode, number, letter] of text.matchAll(SIGNS)) {
    const count = Number(number || 1)
    if (part === '\r') column = 0
    else if (part === '\n') row++
    else if (command === '7') saved = [row, column]
    else if (command === '8') [row, column] = saved
    else if (letter === undefined) {
      if (column === COLUMNS) {
        if (wraps) {
          row++
          column = 0
        } else column--
      }
      const at = line(row)
      while (at.length < column) at.push(' ')
      at[column++] = part
    } else if (mode === '?') {
      if (number === '7') wraps = letter === 'h'
    } else if (letter === 'G') column = count - 1
    else if (letter === 'A') row -= count
    else if (letter === 'B') row += count
    else if (letter === 'C') column += count
    else if (letter === 'D') column = Math.max(0, column - count)
    else if (letter === 'K') {
      const at = line(row)
      if (number === '2') at.length = 0
      else if (number === '' || number === '0') at.length = Math.min(at.length, column)
      else at.fill(' ', 0, column + 1)
    } else if (letter === 'J') lines.length = row + 1
    else if (letter !== 'm') throw new Error(`unknown sequence ${JSON.stringify(part)}`)
  }
  return lines.map((one) => one.join('').trimEnd())
}

describe('a bar', () => {
  it('is shorter than any terminal is wide, and loses its end first', () => {
    const tail =
      '1234 images/s · 12m34s left · loss 0.1234 · FID 12.3/10.1/9.87 · runs/a/long/way/samples.png'
    for (const columns of [200, 120, 80, 60, 40, 20]) {
      const line = barLine('choosing noise levels for 2 to 4 steps', 0.5, tail, columns)
      expect(line.length).toBeLessThan(columns)
      expect(line).toMatch(columns === 200 ? /samples\.png$/ : /…$/)
    }
    expect(barLine('training', 0.256, '3s left', 80)).toBe('training ██████░░░░░░░░░░░░░░░░░░ 25% · 3s left')
    expect(barLine('training', 1, '', 80)).toContain('█'.repeat(24))
  })
})

describe.skipIf(terminalLacks !== undefined)(
  `a terminal of ${COLUMNS} columns${terminalLacks ? `: ${terminalLacks}` : ''}`,
  () => {
    it('shows whole lines after a Ctrl-C, and nothing of a bar', async () => {
      const { folder } = await scratch()
      await writePictures(join(folder, 'pictures'), { count: 9 })
      const args = ['train', 'pictures', '--out', 'run', ...tiny(1_000_000)]
      const program = [process.execPath, PROGRAM, ...args]
      const all = { cwd: folder, maxBuffer: 2 ** 26, env: { ...process.env, NO_COLOR: '1' } }
      const failed = await promisify(execFile)(
        'python3',
        ['-c', ON_A_TERMINAL, String(COLUMNS), 'images/s', ...program],
        all,
      ).catch((error: { code: number; stdout: string }) => error)
      expect(failed).toMatchObject({ code: 130 })
      const { stdout } = failed as { stdout: string }
      // There was a bar, the cursor is back, and lines wrap again.
      expect(stdout).toMatch(/training [█░]+ \d+% · /)
      expect(stdout.lastIndexOf('\x1b[?25h')).toBeGreaterThan(stdout.lastIndexOf('\x1b[?25l'))
      expect(stdout.lastIndexOf('\x1b[?7h')).toBeGreaterThan(stdout.lastIndexOf('\x1b[?7l'))
      const screen = screenOf(stdout).join('\n')
      const stopping = 'stopping after this step; the state will be saved (Ctrl-C again to stop at once)'
      const cut = (text: string) => text.replace(new RegExp(`(.{${COLUMNS}})(?=.)`, 'g'), '$1\n')
      expect(screen).toMatch(/^9 pictures, no classes or captions found\n/)
      expect(screen).toContain(`\n${cut(stopping)}\n`)
      expect(screen).toMatch(/\nstopped after \d+ of 1000000 pictures; the state is saved\nto go on:\n/)
      expect(screen).toContain(cut(`  onestroke ${args.join(' ')}`))
      expect(screen).not.toMatch(/[█░]|\^C/)
    })
  },
)
