/** Idioms that the linter keeps away, and how long files may be. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sources } from './sources.js'

const FOLDED = [
  '{ a: 1, ...{ b: 2, c: 3 } }',
  '{ a: 1, ...({ b: 2 } as const) }',
  '[1, ...[2, 3]]',
  '(x?: number) => ({ ...(x !== undefined && { x }) })',
  '(x?: object) => ({ ...(x && { x }) })',
  '(x: { y?: number }) => ({ ...(x.y !== undefined && { z: x.y }) })',
]
const PLAIN = [
  '(x: { y?: number }) => ({ ...x, ...(x.y !== undefined && { z: 2 * x.y }) })',
  '(list: number[]) => [...list, ...list.map((n) => [n]), ...(list.length > 0 ? [1] : [])]',
]

describe('the linter', () => {
  it('refuses literals that are spread, and properties that are spread because they may be undefined', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'onestroke-idioms-'))
    const lines = [...FOLDED, ...PLAIN].map((code, i) => `export const _${i} = ${code}\n`)
    await writeFile(join(folder, 'sample.ts'), lines.join(''))
    const { stdout } = spawnSync(
      process.execPath,
      ['node_modules/@biomejs/biome/bin/biome', 'lint', '--config-path=.', '--reporter=json', folder],
      { encoding: 'utf8' },
    )
    await rm(folder, { recursive: true })
    const { diagnostics } = JSON.parse(stdout) as {
      diagnostics: { category: string; location: { start: { line: number } } }[]
    }
    const refused = diagnostics.filter(({ category }) => category === 'plugin')
    expect(refused.map(({ location }) => location.start.line).sort()).toEqual(FOLDED.map((_, i) => i + 1))
  })
})

describe('a file of the packages and of the tests', () => {
  it('has at most 400 lines', () => {
    const tests = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', 'tests'], {
      encoding: 'utf8',
    })
      .trim()
      .split('\n')
      .filter((path) => /\.(ts|tsx|js)$/.test(path) && existsSync(path))
    expect(tests.length).toBeGreaterThan(60)
    const linesOf = (path: string) => readFileSync(path, 'utf8').split('\n').length - 1
    expect([...sources, ...tests].filter((path) => linesOf(path) > 400)).toEqual([])
    expect(sources.length).toBeGreaterThan(300)
  })
})
