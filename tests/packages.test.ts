/** What `npm publish` would send: complete, nothing else, and installed by one command in an empty folder. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { expectBuilt } from './build.js'

expectBuilt('library', 'web', 'studio')

vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 })
const run = promisify(execFile)
const PACKAGES = ['core', 'studio', 'onestroke'].map((name) => `packages/${name}`)

const folder = await mkdtemp(join(tmpdir(), 'onestroke-packages-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

interface Packed {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}
/** By the package's folder. */
const packed = new Map<string, Packed>()
beforeAll(async () => {
  for (const path of PACKAGES) {
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: path })
    packed.set(path, JSON.parse(stdout)[0])
  }
})

describe('a package', () => {
  it.each(PACKAGES)('of %s holds what it needs, and no tests', async (path) => {
    const files = packed.get(path)!.files.map((file) => file.path)
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json']))
    expect(files.filter((file) => /\.test\.|(^|\/)testing|\.map$|tsbuildinfo/.test(file))).toEqual([])
    expect(await readFile(join(path, 'LICENSE'), 'utf8')).toBe(await readFile('LICENSE', 'utf8'))
    const { exports, bin = {} } = JSON.parse(await readFile(join(path, 'package.json'), 'utf8'))
    const entries = [
      ...Object.values(bin),
      ...Object.values(exports).flatMap((one) => Object.values(one as object)),
    ]
    for (const entry of entries as string[])
      if (entry.startsWith('./') && !entry.includes('*')) expect(files).toContain(entry.slice(2))
    const built = { core: 'dist/web/index.js', studio: 'dist/site/index.html', onestroke: 'dist/web.json' }
    expect(files).toContain(built[path.split('/')[1] as keyof typeof built])
  })
})

/** Why nothing can be installed here; undefined if it can. */
const networkLacks = await (async () => {
  const { stdout } = await run('npm', ['config', 'get', 'registry'])
  const answer = await fetch(new URL('zod', stdout.trim()), {
    method: 'HEAD',
    signal: AbortSignal.timeout(10_000),
  }).catch(() => undefined)
  return answer?.ok ? undefined : `there is no npm registry at ${stdout.trim()}`
})()

describe.skipIf(networkLacks !== undefined)(
  `an empty folder${networkLacks ? `: ${networkLacks}` : ''}`,
  () => {
    it('is all that installing the packages needs: without warnings, and the commands and the library work', async () => {
      const [command] = /(?<=^cd \.\.\/your-project && ).*npm install .*/m.exec(
        await readFile('README.md', 'utf8'),
      )!
      const names = command!.match(/(?<=\.\.\/)\S+\.tgz/g)
      expect(names?.sort()).toEqual([...packed.values()].map(({ filename }) => filename).sort())
      const project = join(folder, 'your-project')
      await mkdir(project)
      await writeFile(join(project, 'package.json'), '{"type":"module"}')
      const { ONNXRUNTIME_NODE_INSTALL: _, ...env } = process.env
      const inside = { cwd: project, env }
      const quietly = {
        npm_config_audit: 'false',
        npm_config_fund: 'false',
        npm_config_prefer_offline: 'true',
      }
      const installed = await run('sh', ['-c', command!], { ...inside, env: { ...env, ...quietly } })
      expect(installed.stderr).not.toMatch(/EBADENGINE|deprecated/)
      const native = join(project, 'node_modules/onnxruntime-node/bin/napi-v6/linux/x64')
      if (existsSync(native)) expect((await readdir(native)).join()).not.toContain('cuda')

      const model = resolve('models/emoji-16-student')
      const onestroke = (...args: string[]) =>
        run(process.execPath, ['node_modules/onestroke/bin/onestroke.js', ...args], inside)
      await onestroke('sample', model, '--prompt', 'red heart', '--out', 'hearts.png', '-n', '2')
      await onestroke('export', model, '--target', 'web', '--out', 'page')
      expect(await readdir(project)).toContain('hearts.png')
      expect(await readdir(join(project, 'page'))).toContain('onestroke.js')
      const script = `
        import { loadModel, Model } from 'onestroke'
        import { parseSafetensors } from '@onestroke/core/formats'
        const model = Model.of(await loadModel(${JSON.stringify(model)}))
        const { count } = await model.generate({ prompts: ['owl'], seed: 1 })
        console.log(count, typeof parseSafetensors)`
      await writeFile(join(project, 'script.js'), script)
      expect((await run(process.execPath, ['script.js'], inside)).stdout).toBe('1 function\n')
    })
  },
)
