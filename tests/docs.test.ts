/** What documents say that can be checked: measured numbers, paths, and the recipes of CONTRIBUTING.md. */
import { existsSync, statSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { METHODS } from '@onestroke/core/consistency'
import { NETWORKS } from '@onestroke/core/nn'
import { describe, expect, it } from 'vitest'
import { measured, methodsPage, NUMBERS, readme } from '../docs/measured.js'
import { opTable } from '../packages/core/src/tensor/testing.js'
import { COMMANDS } from '../packages/onestroke/src/cli/main.js'
import { DATA_KINDS } from '../packages/onestroke/src/data/index.js'
import { JUDGES } from '../packages/onestroke/src/evaluation/judges.js'
import { PRESETS } from '../packages/onestroke/src/training/index.js'

const read = (path: string) => readFile(path, 'utf8')
const isFile = (path: string) => existsSync(path) && statSync(path).isFile()

describe('measured numbers', () => {
  it('are as `npm run docs` writes them from benchmarks/results, and options as the methods have them', async () => {
    expect(await read('docs/measured.md')).toBe(measured())
    expect(await read('README.md')).toBe(readme())
    expect(await read('docs/methods.md')).toBe(methodsPage())
  })

  it('are all shown, and none is asked for that is not there', async () => {
    const asked = [
      ...(await read('docs/measured.template.md')).matchAll(/\{\{(.+?)\}\}/g),
      ...`${await read('README.md')}${await read('docs/methods.md')}`.matchAll(/<!-- ([a-z].*?) -->/g),
    ].map(([, name]) => name)
    expect(asked.sort()).toEqual(Object.keys(NUMBERS).sort())
    expect(() => measured('{{nothing}}')).toThrow('no number is called nothing')
    expect(measured('so {{latency}} long')).toMatch(/^so \d\.\d s long$/)
  })

  it('come from every committed result', async () => {
    const script = await read('docs/measured.js')
    for (const file of await readdir('benchmarks/results'))
      expect(script, file).toContain(`'${file.replace('.json', '')}'`)
  })
})

describe('CONTRIBUTING.md', () => {
  /** Where its short names lie. */
  const ROOMS = { core: 'packages/core/src', node: 'packages/onestroke/src' } as const
  const PLACE = /^(core|node|tests|docs|benchmarks|packages|models)\/|^[\w.-]+\.(ts|js|py|json|md)$/

  /** What stands in backticks, in order. */
  const quoted = (text: string): string[] => [...text.matchAll(/`([^`\n]+)`/g)].map(([, one]) => one!)

  /** The files and folders that a text names, from the root; one without a folder lies beside the one before it. */
  const placesIn = (text: string): string[] => {
    let folder = '.'
    return quoted(text).flatMap((name) => {
      if (!PLACE.test(name) || name.includes('*')) return []
      const [room, ...rest] = name.split('/')
      const path =
        rest.length === 0
          ? join(existsSync(name) ? '.' : folder, name)
          : join(ROOMS[room as keyof typeof ROOMS] ?? room, ...rest)
      if (rest.length > 0) folder = path.includes('.') ? dirname(path) : path
      return [path]
    })
  }
  /** The steps of all recipes. */
  const steps = (text: string): string[] => {
    const [, after] = text.split('\n## Where things go\n')
    const [recipes] = after!.split('\n## Habits\n')
    return recipes!
      .replaceAll(/^### .*$/gm, '')
      .split(/\n(?=\d+\. )/)
      .slice(1)
  }
  /** NAME stands for what is added. */
  const isThere = (path: string) =>
    existsSync(path.includes('NAME') || path.startsWith('benchmarks/results') ? dirname(path) : path)

  it('names only files and folders that are there', async () => {
    const places = placesIn(await read('CONTRIBUTING.md'))
    expect(places.length).toBeGreaterThan(60)
    expect(places.filter((path) => !isThere(path))).toEqual([])
  })

  it('names, in each step of a recipe, a table or function of a file that the step names', async () => {
    const missing: string[] = []
    for (const step of steps(await read('CONTRIBUTING.md'))) {
      const text = (await Promise.all(placesIn(step).filter(isFile).map(read))).join('\n')
      // What is to be found is written as code is: one word.
      for (const name of quoted(step).filter((one) => /^[a-zA-Z]\w+$/.test(one) && one !== 'NAME'))
        if (text !== '' && !new RegExp(`\\b${name}\\b`).test(text)) missing.push(`${name} in: ${step}`)
    }
    expect(missing).toEqual([])
  })

  it.each([
    ['### An op', [...opTable.keys()], ['core/src/tensor/tensor.ts', 'core/src/tensor/testing.ts']],
    ['### A method', Object.keys(METHODS), ['core/src/consistency/methods.test.ts']],
    ['### A network', Object.keys(NETWORKS), ['core/src/nn/config.ts', 'core/src/nn/testing.ts']],
    ['### A kind of data', DATA_KINDS.flatMap(({ prefix }) => prefix ?? []), ['onestroke/src/data/kinds.ts']],
    ['### A command', Object.keys(COMMANDS), ['onestroke/src/cli/main.ts']],
    ['### A judge', Object.keys(JUDGES), ['onestroke/src/evaluation/judges.ts']],
  ])('%s: whatever there is, is where the recipe puts it', async (heading, names, files) => {
    expect(await read('CONTRIBUTING.md')).toContain(`\n${heading}\n`)
    expect(names.length).toBeGreaterThan(1)
    for (const file of files) {
      const text = await read(join('packages', file))
      expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([])
    }
  })

  it('and README.md name only places that are there', async () => {
    const places = quoted(await read('README.md')).filter((name) =>
      /^(tests|packages|docs|benchmarks|examples|models)\//.test(name),
    )
    expect(places.length).toBeGreaterThan(10)
    expect(places.filter((path) => !existsSync(path))).toEqual([])
  })

  it('methods and commands are told of', async () => {
    const methods = await read('docs/methods.md')
    for (const { name, teacher } of Object.values(METHODS)) {
      const [, from] = methods.match(new RegExp(`^\\| \\[?\`${name}\`.*\\| (.*) \\|$`, 'm')) ?? []
      // What it learns from, in the last column.
      const needs = { true: /^a teacher(?!, or data)/, optional: /^a teacher, or data$/, false: /^data/ }
      expect(from, name).toMatch(needs[`${teacher}`])
    }
    const all = `${await read('README.md')}${await read('docs/serving.md')}`
    for (const name of Object.keys(COMMANDS))
      expect(all).toMatch(new RegExp(`\\bonestroke ${name}\\b|\`${name}\``))
  })

  it('presets and kinds of data are told of', async () => {
    const text = await read('README.md')
    for (const name of Object.keys(PRESETS)) expect(text).toContain(`\`${name}\``)
    for (const { prefix, form } of DATA_KINDS) if (prefix !== undefined) expect(text).toContain(`\`${form}`)
  })

  it('the lists of methods in sentences hold those that they should', async () => {
    const text = (await read('docs/methods.md')).replaceAll(/\s+/g, ' ')
    /** The methods that stand in backticks between two pieces of text. */
    const between = (from: string, to: string): string[] => {
      const [, after = ''] = text.split(from)
      expect(after).toContain(to)
      return quoted(after.split(to)[0]!).filter((name) => name in METHODS)
    }
    const those = (holds: (options: Record<string, unknown>, name: string) => boolean) =>
      Object.entries(METHODS).flatMap(([name, { options }]) =>
        holds(options as Record<string, unknown>, name) ? [name] : [],
      )
    const formulas = JSON.parse(await read('tests/pytorch/formulas.json')) as { losses: object }
    const proven = new Set(Object.keys(formulas.losses).map((name) => name.split(' ')[0]!))
    for (const [listed, expected] of [
      [
        between('The numbers of all but ', ' are those of the authors'),
        those((_, name) => !proven.has(name)),
      ],
      [between('by default (`start.ts`), 0.5 for ', ', and 0 for'), those(({ top }) => top === 0.5)],
      [between(', and 0 for ', ', which'), those(({ top }) => top === 0)],
      [between('**Flow maps** (', ')'), those((_, name) => METHODS[name]!.flow_map === true)],
      [between('`--option distance=…`, for ', ')'), those((options) => 'distance' in options)],
    ] as const)
      expect([...listed].sort()).toEqual([...expected].sort())
  })
})
