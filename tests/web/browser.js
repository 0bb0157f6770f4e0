/** What tests and benchmarks in a real browser share: Chromium, and pages as Vite builds them. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import serveHandler from 'serve-handler'
import { build, preview } from 'vite'

const CHROMIUM =
  [
    process.env.ONESTROKE_CHROMIUM ?? '',
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/opt/google/chrome/chrome',
  ].find((path) => path !== '' && existsSync(path)) ?? ''

/** Why there is no browser to test with; undefined if there is one. */
export const browserLacks =
  CHROMIUM === ''
    ? 'there is no Chromium (apt install chromium, or name it in ONESTROKE_CHROMIUM)'
    : undefined

/** What each page would pay for, and no test looks at: pages of the address bar's suggestions. */
const UNSEEN = ['WebUIOmniboxPopup', 'WebUIOmniboxAimPopup']
/** What playwright switches off, again: of two lists Chromium reads the last. */
const OFF = [
  'AimEnabled',
  'AvoidCorsURLLoaderRestartOnRedirect',
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'DestroyProfileOnBrowserClose',
  'HttpsFirstBalancedModeAutoEnable',
  'HttpsUpgrades',
  'LensOverlay',
  'MediaRouter',
  'NetworkTimeServiceQuerying',
  'OptimizationHints',
  'PaintHolding',
  'PreconnectToSearch',
  'ThirdPartyStoragePartitioning',
]
/**
 * In tests, WebAssembly is compiled once, too: to compile onnxruntime again, to faster code, costs a page more than its few pictures
 * save. Benchmarks run what people have.
 */
const LEAN = process.env.VITEST
  ? [
      '--js-flags=--no-wasm-tier-up --no-wasm-dynamic-tiering',
      `--disable-features=${[...UNSEEN, ...OFF].join(',')}`,
    ]
  : []

/** @param {string[]} args */
export const launch = (...args) =>
  chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', ...LEAN, ...args] })

/**
 * A browser as people use it, which keeps in a folder also the large files that windows without a profile forget.
 *
 * @param {string} profile
 */
export const launchWith = (profile) =>
  chromium.launchPersistentContext(profile, { executablePath: CHROMIUM, args: ['--no-sandbox'] })

/** A browser with WebGL in software. */
export const launchWebgl = () =>
  chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
  })

/** Vulkan in software, which comes with Debian's Chromium. */
const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json'

/** Why tests on WebGPU cannot run; undefined if they can. */
export const webgpuLacks =
  browserLacks ?? (existsSync(SWIFTSHADER) ? undefined : 'there is no Vulkan in software beside Chromium')

/** A browser with WebGPU in software: slow, but the same pictures. */
export const launchWebgpu = () =>
  chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox',
      '--enable-unsafe-webgpu',
      '--use-webgpu-adapter=swiftshader',
      '--enable-features=Vulkan',
    ],
    env: {
      .../** @type {Record<string, string>} */ (process.env),
      VK_ICD_FILENAMES: SWIFTSHADER,
      VK_DRIVER_FILES: SWIFTSHADER,
      XDG_RUNTIME_DIR: tmpdir(),
    },
  })

/**
 * Makes the graphics devices of a page's workers such that they can be lost. To be called before they are asked for.
 *
 * @param {import('playwright-core').Page} page
 * @returns {() => Promise<void>} loses them all
 */
export const losableDevices = (page) => {
  /** @type {Promise<void>[]} */
  const prepared = []
  /** @param {import('playwright-core').Worker} worker */
  const prepare = (worker) => {
    prepared.push(
      worker.evaluate(() => {
        const { prototype } = /** @type {any} */ (globalThis).GPUAdapter
        const { requestDevice } = prototype
        /** @param {unknown[]} args */
        prototype.requestDevice = async function (...args) {
          const device = await requestDevice.apply(this, args)
          Object.assign(globalThis, { loseDevice: () => void setTimeout(() => device.destroy(), 100) })
          return device
        }
      }),
    )
  }
  page.workers().forEach(prepare)
  page.on('worker', prepare)
  return async () => {
    await Promise.allSettled(prepared)
    // Some have ended.
    await Promise.allSettled(
      page.workers().map((worker) => worker.evaluate(() => /** @type {any} */ (globalThis).loseDevice?.())),
    )
  }
}

/** Headers that isolate a page from other origins. */
export const ISOLATED = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

/**
 * Builds a page of this repository as its users would, and serves what came out, isolated from other origins.
 *
 * @param {string} path of the page's folder
 * @returns {Promise<{ url: string, folder: string, close(): Promise<void> }>} `folder` is what is served
 */
export const serveBuilt = async (path) => {
  const folder = await mkdtemp(join(tmpdir(), 'onestroke-web-'))
  const root = fileURLToPath(new URL(`../../${path}`, import.meta.url))
  /** @type {import('vite').InlineConfig} */
  const settings = { root, base: './', logLevel: 'error', build: { outDir: folder, emptyOutDir: true } }
  await build({ ...settings, worker: { format: 'es' } })
  const server = await preview({
    ...settings,
    configFile: false,
    preview: { port: 0, host: '127.0.0.1', headers: ISOLATED },
  })
  return {
    url: /** @type {string} */ (server.resolvedUrls?.local[0]),
    folder,
    async close() {
      await server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/**
 * Serves a folder as `npx serve` does: files as they are, without headers of its own.
 *
 * @param {string} folder
 * @param {(path: string) => Readonly<Record<string, string>>} headersOf what it sends beside a file
 * @returns {Promise<{ url: string, close(): Promise<void> }>}
 */
export const serveFolder = async (folder, headersOf = () => ({})) => {
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(headersOf(request.url ?? '/'))) response.setHeader(name, value)
    return serveHandler(request, response, { public: folder })
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
