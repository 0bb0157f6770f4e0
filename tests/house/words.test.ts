/** The library knows no face: it names options as the library does, and each face in its own words. */
import type { Command } from 'commander'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../packages/onestroke/src/cli/main.js'
import { FLAGS } from '../../packages/onestroke/src/cli/words.js'
import { isForTests, lineOf, parsed, sources, walk } from './sources.js'

const CLI = 'packages/onestroke/src/cli/'
const library = sources.filter(
  (path) => /^packages\/(core|onestroke)\/src\//.test(path) && !path.startsWith(CLI) && !isForTests(path),
)

interface Text {
  readonly where: string
  readonly text: string
}

/** All texts of a file's code: strings, and the fixed parts of templates. Comments are none. */
const textsOf = (path: string): Text[] => {
  const texts: Text[] = []
  walk(parsed(path), (node) => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node))
      texts.push({ where: `${path}:${lineOf(node)}`, text: node.text })
  })
  return texts
}
const texts = library.flatMap(textsOf)

const commands = await Promise.all(Object.values(COMMANDS).map((load) => load()))
const flags = new Set(commands.flatMap((command: Command) => command.options.map(({ long }) => long!)))
const words = new Set(commands.flatMap((command) => command.registeredArguments.map((one) => one.name())))

describe('the library', () => {
  it('says no flag of the command line', () => {
    expect(flags.size).toBeGreaterThan(40)
    // The report's style has custom properties, which are written alike.
    const flagsIn = ({ text }: Text) =>
      [...text.matchAll(/(?<!var\()--[a-z][a-z-]*(?!:|[a-z-])/g)].filter(([flag]) => flags.has(flag))
    expect(texts.filter((text) => flagsIn(text).length > 0)).toEqual([])
  })

  it('says options that the command line knows, or that are for programs alone', () => {
    const PROGRAMS = ['gamma', 'limit', 'to.weights']
    const named = texts.flatMap(({ where, text }) =>
      [...text.matchAll(/`([a-z][a-z0-9_.]*)`/g)].map(([, option]) => ({ where, option: option! })),
    )
    expect(named.length).toBeGreaterThan(20)
    expect(named.filter(({ option }) => !FLAGS.has(option) && !PROGRAMS.includes(option))).toEqual([])
  })
})

describe('the command line', () => {
  it.each([...FLAGS])('has what %s is called, %s', (_, word) => {
    expect(word.startsWith('--') ? flags : words).toContain(word)
  })
})
