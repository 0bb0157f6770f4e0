/**
 * For tests only (not exported from the package): Python, to compare with its packages. It is `python3`, or what the
 * environment variable ONESTROKE_PYTHON names.
 */

// Core has no types of Node, so that nothing of Node slips in: this says what the tests need of it.
const {
  spawnSync,
}: {
  spawnSync: (
    command: string,
    args: readonly string[],
    options?: object,
  ) => { status: number | null; stdout: string; stderr: string }
} = await import('node:child_process' as string)
const { env }: { env: Readonly<Record<string, string | undefined>> } = await import('node:process' as string)

const PYTHON = env.ONESTROKE_PYTHON || 'python3'

/** Runs Python with arguments, JSON on its standard input, and gives back the JSON it prints. */
export function runPython<T>(args: readonly string[], input: unknown = null): T {
  const { status, stdout, stderr } = spawnSync(PYTHON, args, {
    input: JSON.stringify(input),
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  if (status !== 0) throw new Error(`${PYTHON} failed:\n${stderr}`)
  return JSON.parse(stdout)
}

/**
 * Why a test that needs Python with these packages cannot run; undefined if it can.
 *
 *     const lacking = pythonLacks('torch')
 *     it('…', (context) => {
 *       context.skip(lacking !== undefined, lacking)
 */
export function pythonLacks(...packages: readonly string[]): string | undefined {
  const code =
    'import sys; from importlib.util import find_spec; print(*(p for p in sys.argv[1:] if not find_spec(p)))'
  const { status, stdout } = spawnSync(PYTHON, ['-c', code, ...packages], { encoding: 'utf8' })
  const missing = status === 0 ? stdout.trim() : packages.join(' ')
  return missing === ''
    ? undefined
    : `SKIPPED: ${PYTHON} has no ${missing.replaceAll(' ', ', ')} (ONESTROKE_PYTHON can name another Python)`
}
