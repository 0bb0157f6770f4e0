/** The project's own source files, as the tests of the house read them. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import ts from 'typescript'

/** Paths of all files of packages that are code, from the project's folder. */
export const sources: readonly string[] = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', 'packages'],
  { encoding: 'utf8' },
)
  .trim()
  .split('\n')
  .filter((path) => /\.(ts|tsx|js)$/.test(path) && existsSync(path))

/** Whether a file is for tests only. */
export const isForTests = (path: string): boolean => /\.test\.tsx?$|(^|\/)testing[^/]*(\/|\.ts$)/.test(path)

export const parsed = (path: string): ts.SourceFile =>
  ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)

/** Calls `visit` for a node and all below it. */
export const walk = (node: ts.Node, visit: (node: ts.Node) => void): void => {
  visit(node)
  ts.forEachChild(node, (child) => walk(child, visit))
}

/** Line of a node in its file, from 1. */
export const lineOf = (node: ts.Node): number => {
  const file = node.getSourceFile()
  return file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1
}

const CORE = '@onestroke/core/'

/** The file that a module name means, where it is one of ours. */
const resolved = (importer: string, name: string): string | undefined => {
  const path = name.startsWith(CORE)
    ? `packages/core/src/${name.slice(CORE.length)}/index.ts`
    : name.startsWith('.')
      ? normalize(join(dirname(importer), name))
      : undefined
  return path === undefined
    ? undefined
    : [path, path.replace(/\.js$/, '.ts'), path.replace(/\.js$/, '.tsx'), `${path}.ts`, `${path}.tsx`].find(
        (one) => sources.includes(one),
      )
}

/** What a file imports, types included, also `import('…')` in types and in code. */
export const importsOf = (path: string): { readonly name: string; readonly file: string | undefined }[] =>
  ts
    .preProcessFile(readFileSync(path, 'utf8'), true, true)
    .importedFiles.map(({ fileName: name }) => ({ name, file: resolved(path, name) }))
