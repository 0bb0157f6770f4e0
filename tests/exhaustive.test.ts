/**
 * What is added to a closed union, and is not handled everywhere, does not compile. Each case adds one to the source that
 * TypeScript reads, and asks it where it then finds errors.
 */
import { resolve } from 'node:path'
import ts from 'typescript'
import { describe, expect, it, vi } from 'vitest'

vi.setConfig({ testTimeout: 300_000 })

const options: ts.CompilerOptions = {
  ...ts.parseJsonConfigFileContent(
    ts.readConfigFile('tsconfig.base.json', ts.sys.readFile).config,
    ts.sys,
    '.',
  ).options,
  lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
  types: ['node'],
  composite: false,
  declaration: false,
  declarationMap: false,
  noEmit: true,
  paths: { '@onestroke/core/*': [resolve('packages/core/src/*/index.ts')] },
}

/** Files of the standard library and of dependencies, read once. */
const read = new Map<string, ts.SourceFile | undefined>()

/** The files, of those given, in which TypeScript finds errors once `source` reads as `change` makes it. */
const brokenBy = (source: string, change: (text: string) => string, files: readonly string[]): string[] => {
  const changed = resolve(source)
  const host = ts.createCompilerHost(options)
  const { getSourceFile } = host
  host.getSourceFile = (path, ...rest) => {
    if (resolve(path) === changed) {
      const [before, target] = [ts.sys.readFile(path)!, rest[0]]
      const after = change(before)
      expect(after).not.toBe(before)
      return ts.createSourceFile(path, after, target)
    }
    if (!read.has(path)) read.set(path, getSourceFile.call(host, path, ...rest))
    return read.get(path)
  }
  const program = ts.createProgram(
    files.map((file) => resolve(file)),
    options,
    host,
  )
  return files.filter(
    (file) => program.getSemanticDiagnostics(program.getSourceFile(resolve(file))).length > 0,
  )
}

const NETWORK_CONFIG = 'packages/core/src/nn/config.ts'
const STORAGE = 'packages/core/src/tensor/storage.ts'
const SPACE = 'packages/core/src/space/space.ts'
const GRAPHS = 'packages/core/src/pipeline/graphs.ts'
const TARGETS = 'packages/onestroke/src/export/targets.ts'

describe('a new', () => {
  it('type of network must be in NETWORKS, among the small ones of tests, and in those for PyTorch', () => {
    const handling = [
      'packages/core/src/nn/network.ts',
      'packages/core/src/nn/testing.ts',
      'tests/pytorch/cases.ts',
    ]
    const deaf = ['packages/onestroke/src/training/half.ts', 'packages/onestroke/src/cli/info.ts']
    const files = [...handling, ...deaf]
    const add = (text: string) =>
      `${text.replace(/(discriminatedUnion\('type', \[[^\]]*?),?\s*\]/, '$1, extraConfig]')}
const extraConfig = unetConfig.extend({ type: z.literal('extra') })`
    expect(brokenBy(NETWORK_CONFIG, (text) => `${text}\n`, files)).toEqual([])
    expect(brokenBy(NETWORK_CONFIG, add, files)).toEqual(handling)
  })

  it.each([
    ['a width of its own', (text: string) => text.replace('groups: width,', 'groups: width, width,')],
    ['no patches', (text: string) => text.replace(/(literal\('unet'\),[\s\S]*?)patch_size: side,/, '$1')],
  ])('type of network does not compile with %s', (_, change) => {
    const files = [NETWORK_CONFIG]
    expect(brokenBy(NETWORK_CONFIG, change, files)).toEqual(files)
  })

  it('mixing of an hourglass must be in MIXINGS', () => {
    const handling = ['packages/core/src/nn/mixing.ts']
    const files = [...handling, 'packages/core/src/nn/hourglass.ts']
    const add = (text: string) => text.replace("z.enum(['squares', ", "z.enum(['rings', 'squares', ")
    expect(brokenBy(NETWORK_CONFIG, (text) => `${text}\n`, files)).toEqual([])
    expect(brokenBy(NETWORK_CONFIG, add, files)).toEqual(handling)
  })

  it('way to store weights must be written, and be known to model folders', () => {
    const handling = [
      STORAGE,
      'packages/core/src/tensor/onnx.ts',
      'packages/onestroke/src/runtime/free-batch.test.ts',
    ]
    const files = [
      ...handling,
      'packages/core/src/pipeline/manifest.ts',
      'packages/onestroke/src/cli/options.ts',
    ]
    const add = (text: string) =>
      text.replace("fp16: 'half", "bf16: 'half the bytes, all of the range', fp16: 'half")
    expect(brokenBy(STORAGE, (text) => `${text}\n`, files)).toEqual([])
    expect(brokenBy(STORAGE, add, files)).toEqual(handling)
  })

  it('space must have its codec', () => {
    const handling = ['packages/core/src/space/codecs.ts']
    const deaf = [
      'packages/core/src/formats/config.ts',
      'packages/core/src/pipeline/pipeline.ts',
      'packages/onestroke/src/training/batch.ts',
      'packages/onestroke/src/training/beginning.ts',
    ]
    const files = [...handling, ...deaf]
    const add = (text: string) =>
      text.replace("('kind', [", "('kind', [z.strictObject({ kind: z.literal('words'), scale: z.number() }),")
    expect(brokenBy(SPACE, (text) => `${text}\n`, files)).toEqual([])
    expect(brokenBy(SPACE, add, files)).toEqual(handling)
  })

  it('graph of models must be written, described, read and run', () => {
    const handling = [
      'packages/core/src/pipeline/manifest.ts',
      'packages/core/src/web/session.ts',
      'packages/onestroke/src/model/model.ts',
      'packages/onestroke/src/export/graph.ts',
      'packages/onestroke/src/export/load.ts',
    ]
    const deaf = ['packages/core/src/web/fetch-model.ts', 'packages/onestroke/src/export/web.ts']
    const files = [...handling, ...deaf]
    const add = (text: string) => text.replace("'denoiser' | Half", "'denoiser' | 'text_encoder' | Half")
    expect(brokenBy(GRAPHS, (text) => `${text}\n`, files)).toEqual([])
    expect(brokenBy(GRAPHS, add, files)).toEqual(handling)
  })

  it('target of export must be handled by the command', () => {
    const files = [TARGETS, 'packages/onestroke/src/cli/export.ts', 'packages/onestroke/src/export/export.ts']
    const add = (text: string) => text.replace("model: '", "phone: 'an app', model: '")
    expect(brokenBy(TARGETS, (text) => `${text}\n`, files)).toEqual([])
    expect(brokenBy(TARGETS, add, files)).toEqual(['packages/onestroke/src/cli/export.ts'])
  })
})
