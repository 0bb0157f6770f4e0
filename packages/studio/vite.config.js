/** Builds the studio into dist/site: files that any web server can serve from any folder. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const at = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url))

/**
 * Writes the service worker's lists of what it keeps: the page and its scripts, what is kept when it is asked for, and a hash by
 * which builds differ.
 *
 * @returns {import('vite').Plugin}
 */
const offline = () => ({
  name: 'offline',
  generateBundle(_, bundle) {
    // onnxruntime's files are large, and there are several: the worker keeps those that are asked for.
    const files = Object.keys(bundle).filter((name) => !/\.map$|^index\.html$/.test(name))
    const isLarge = (/** @type {string} */ name) => /\.wasm$|ort-wasm/.test(name)
    const own = ['icon.svg', 'app.webmanifest']
    const keep = ['./', ...own, ...files.filter((name) => !isLarge(name))]
    const hash = createHash('sha256').update(files.join())
    for (const name of [...own, 'sw.js']) hash.update(readFileSync(at(`public/${name}`)))
    const page = bundle['index.html']
    if (page?.type === 'asset') hash.update(page.source)
    const lists = { VERSION: hash.digest('hex').slice(0, 12), KEEP: keep, LARGE: files.filter(isLarge) }
    const source = Object.entries(lists).map(([name, value]) => `self.${name} = ${JSON.stringify(value)}\n`)
    this.emitFile({ type: 'asset', fileName: 'sw-files.js', source: source.join('') })
  },
})

const { version } = JSON.parse(readFileSync(at('package.json'), 'utf8'))

export default defineConfig({
  define: { 'import.meta.env.VERSION': JSON.stringify(version) },
  root: at('.'),
  base: './',
  logLevel: 'warn',
  plugins: [offline()],
  worker: { format: 'es' },
  build: { outDir: at('dist/site'), emptyOutDir: true, chunkSizeWarningLimit: 1000 },
})
