/**
 * Builds what `export --target web` copies: `dist/web`, from @onestroke/core/web as it was compiled, and `dist/web.json`, which
 * lists its files and is written last. Does nothing where that is newer than all that it is made from.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'vite'

const at = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url))
const [bundle, list] = [at('../dist/web'), at('../dist/web.json')]

/** onnxruntime's builds, and the first of these that fits is a file's. @type {readonly (readonly [string, RegExp])[]} */
const RUNTIMES = [
  ['jspi', /jspi/],
  ['asyncify', /webgpu|asyncify/],
  ['wasm', /ort[.-]/],
]

/** Files below a folder, but not those that describe types. */
const filesOf = async (/** @type {string} */ folder) => {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => `${parentPath}/${name}`)
  return files.filter((path) => !/\.d\.ts$|\.map$|\.tsbuildinfo$/.test(path)).sort()
}

/** Puts the hashes of a page's inline scripts into its Content-Security-Policy. */
const allowOwnScripts = async (/** @type {string} */ path) => {
  const page = await readFile(path, 'utf8')
  const hashes = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(
    ([, script = '']) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`,
  )
  await writeFile(path, page.replace('OWN-SCRIPTS', hashes.join(' ')))
}

const age = (/** @type {string} */ path) => stat(path).then(({ mtimeMs }) => mtimeMs)

const isNew = async () => {
  const sources = [...(await filesOf(at('.'))), ...(await filesOf(at('../../core/dist')))]
  const runtime = fileURLToPath(new URL('../package.json', import.meta.resolve('onnxruntime-web')))
  const built = await age(list).catch(() => 0)
  return built > Math.max(...(await Promise.all([...sources, runtime].map(age))))
}

if (!(await isNew())) {
  await rm(list, { force: true })
  const output = {
    chunkFileNames: 'runtime/[name]-[hash].js',
    assetFileNames: 'runtime/[name]-[hash][extname]',
  }
  await build({
    root: at('.'),
    configFile: false,
    base: './',
    logLevel: 'error',
    worker: {
      format: 'es',
      rolldownOptions: { output: { ...output, entryFileNames: 'runtime/[name]-[hash].js' } },
    },
    build: {
      target: 'es2022',
      outDir: bundle,
      emptyOutDir: true,
      modulePreload: false,
      reportCompressedSize: false,
      rolldownOptions: {
        input: at('onestroke.js'),
        preserveEntrySignatures: 'strict',
        output: { ...output, entryFileNames: '[name].js' },
        checks: { pluginTimings: false },
      },
    },
  })
  await allowOwnScripts(`${bundle}/index.html`)
  const files = []
  for (const path of await filesOf(bundle)) {
    const bytes = await readFile(path)
    const file = path.slice(bundle.length + 1)
    const [runtime] = RUNTIMES.find(([, names]) => names.test(file)) ?? [null]
    files.push({ file, runtime, bytes: bytes.length, gzip: gzipSync(bytes).length })
  }
  await writeFile(list, `${JSON.stringify(files, null, 2)}\n`)
}
