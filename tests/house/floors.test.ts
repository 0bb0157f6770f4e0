/** The house stands: no import leads in a circle, and none upwards in the architecture's table. */
import { readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { describe, expect, it } from 'vitest'
import { importsOf, isForTests, sources } from './sources.js'

const imports = new Map(sources.map((path) => [path, importsOf(path)]))

/** A circle of imports that begins and ends at a file; undefined if there is none. */
const circleFrom = (start: string, imports: (path: string) => readonly string[]): string[] | undefined => {
  const seen = new Set<string>()
  const search = (path: string, way: readonly string[]): string[] | undefined => {
    for (const next of imports(path)) {
      if (next === start) return [...way, path, start]
      if (seen.has(next)) continue
      seen.add(next)
      const found = search(next, [...way, path])
      if (found) return found
    }
    return undefined
  }
  return search(start, [])
}

describe('imports', () => {
  it('never lead in a circle, types included', () => {
    const own = (path: string) => imports.get(path)!.flatMap(({ file }) => file ?? [])
    expect(sources.flatMap((path) => circleFrom(path, own)?.join(' → ') ?? [])).toEqual([])
  })

  it('are looked through: a circle would be found', () => {
    const graph: Record<string, string[]> = { a: ['b'], b: ['c', 'd'], c: [], d: ['a'] }
    expect(circleFrom('a', (path) => graph[path]!)).toEqual(['a', 'b', 'd', 'a'])
    expect(circleFrom('c', (path) => graph[path]!)).toBeUndefined()
  })

  it('of core name nothing of Node’s', () => {
    const found = sources
      .filter((path) => path.startsWith('packages/core/src/') && !isForTests(path))
      .flatMap((path) => imports.get(path)!.map(({ name }) => `${path}: ${name}`))
      .filter((line) => /: node:/.test(line) || builtinModules.includes(line.split(': ')[1]!))
    expect(found).toEqual([])
  })
})

/** Rooms of a package from the bottom up, as the architecture's table in the README lists them. Rooms of one line are neighbours. */
const floorsOf = (folder: string): string[][] => {
  const lines = readFileSync('README.md', 'utf8').split('\n')
  const start = lines.indexOf(`| \`${folder}\` | what is there |`) + 2
  const end = lines.findIndex((line, i) => i > start && !line.startsWith('|'))
  return lines
    .slice(start, end)
    .map((line) => [...line.split('|')[1]!.matchAll(/`([^`]+)`/g)].map(([, room]) => room!))
}

describe.each(['packages/core/src', 'packages/onestroke/src'])('the rooms of %s', (folder) => {
  const floors = floorsOf(folder)
  const floorOf = (room: string) => floors.findIndex((rooms) => rooms.includes(room))
  const files = sources.filter((path) => path.startsWith(`${folder}/`) && !isForTests(path))
  /** The first folder below `src`; undefined for files that lie beside the rooms. */
  const roomOf = (path: string) => /^packages\/[^/]+\/src\/([^/]+)\//.exec(path)?.[1]

  it('are all in the README’s table', () => {
    const rooms = new Set(files.flatMap((path) => roomOf(path) ?? []))
    expect([...rooms].sort()).toEqual(floors.flat().sort())
  })

  it('import only from rooms above them in the table, and through their index', () => {
    const wrong = files.flatMap((path) =>
      imports.get(path)!.flatMap(({ file }) => {
        const [from, to] = [roomOf(path), file && roomOf(file)]
        if (!file || to === undefined || (from === to && file.startsWith(folder))) return []
        if (!file.endsWith(`/src/${to}/index.ts`)) return `${path} reaches past the index: ${file}`
        // Below a package stand all rooms of the packages that it uses. What lies beside the rooms is the package's face.
        if (!file.startsWith(folder) || from === undefined) return []
        return floorOf(to) < floorOf(from) ? [] : `${path} imports from above: ${file}`
      }),
    )
    expect(wrong).toEqual([])
  })

  it('find below all of them what lies beside them', () => {
    const beside = files.filter((path) => roomOf(path) === undefined && path !== `${folder}/index.ts`)
    expect(beside.flatMap((path) => imports.get(path)!.flatMap(({ file }) => file ?? []))).toEqual([])
    const index = files.filter((path) => imports.get(path)!.some(({ file }) => file === `${folder}/index.ts`))
    expect(index).toEqual([])
  })
})
