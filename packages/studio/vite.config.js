/** Builds the studio into dist/site: files that any web server can serve from any folder. */
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const at = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url))

/**
 * Writes the service worker's list of what it keeps: the page and its scripts, and a hash by which builds differ.
 *
 * @returns {import('vite').Plugin}
 */
const offline = () => ({
  name: 'offline',
  generateBundle(_, bundle) {
    // onnxruntime's files are large, and there are several: the worker keeps those that are asked for.
    const files = Object.keys(bundle).filter((name) => !/\.(wasm|map)$|ort-wasm/.test(name))
    const keep = ['./', 'icon.svg', 'app.webmanifest', ...files.filter((name) => name !== 'index.html')]
    const version = createHash('sha256').update(keep.join()).digest('hex').slice(0, 12)
    const source = `self.VERSION = '${version}'\nself.KEEP = ${JSON.stringify(keep)}\n`
    this.emitFile({ type: 'asset', fileName: 'sw-files.js', source })
  },
})

export default defineConfig({
  root: at('.'),
  base: './',
  logLevel: 'warn',
  plugins: [offline()],
  worker: { format: 'es' },
  build: { outDir: at('dist/site'), emptyOutDir: true, chunkSizeWarningLimit: 1000 },
})
