/** The studio as a folder for any web server, and without a network: in a real browser, with the shipped model. */
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import Fastify from 'fastify'
import { expect, it } from 'vitest'
import { openCatalogue, writeSite } from '../../packages/onestroke/src/studio/index.js'
import { fails, succeeds } from '../cli/testing.js'
import { launchWith } from '../web/browser.js'
import { describeInBrowser } from '../web/describe.js'
import { hashOfConfig, openStudio, pixelsOf, STUDENT } from './testing.js'

describeInBrowser('the studio without its server', () => {
  const studio = openStudio()
  const { open, page, picture, painted } = studio

  /** Serves a folder the way others would: without headers. */
  const hosted = async (root: string, before: (path: string) => Promise<void> = async () => {}) => {
    const app = Fastify({ forceCloseConnections: true })
    app.addHook('onRequest', ({ url }) => before(url))
    await app.register(fastifyStatic, { root, prefix: '/some/where/' })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    return { app, url: `http://127.0.0.1:${port}/some/where/` }
  }

  it('works offline once it has loaded', async () => {
    await open('#prompt=owl&seed=5', {})
    await painted()
    const before = await pixelsOf(picture())
    await page().context().setOffline(true)
    await studio.app.close()
    try {
      await page().reload()
      await painted()
      expect(await pixelsOf(picture())).toEqual(before)
    } finally {
      await studio.restart()
    }
  })

  it('works offline also after an update, whose files take the place of the earlier ones', async () => {
    const out = join(studio.work, 'updated')
    const work = join(studio.work, 'exports')
    // An empty folder is nobody's.
    await mkdir(out)
    await writeSite(await openCatalogue([STUDENT], { work, dtype: 'fp16' }), out)
    const { app, url } = await hosted(out)
    try {
      await open(`${url}#prompt=owl&seed=5`, {})
      await painted()
      const before = await pixelsOf(picture())
      const list = join(out, 'sw-files.js')
      await writeFile(list, (await readFile(list, 'utf8')).replace(/VERSION = "\w+"/, 'VERSION = "later"'))
      await page().evaluate(async () => {
        const registration = await navigator.serviceWorker.ready
        // Again and again: the browser may have been looking already, before there was something new.
        while (!registration.waiting) {
          await registration.update()
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
      })
      // It waits for the page that is open, which still paints; then it takes over.
      await page().reload()
      await painted()
      await page().goto('about:blank')
      await expect
        .poll(async () => {
          await page().goto(`${url}#prompt=owl&seed=5`)
          await painted()
          const names = await page().evaluate(() => caches.keys())
          await page().goto('about:blank')
          return names.map((name) => name.split(' ').at(-1)).sort()
        })
        .toEqual(['asked', 'later', 'onestroke'])
      await app.close()
      await page().context().setOffline(true)
      await page().goto(`${url}#prompt=owl&seed=5`)
      await painted()
      expect(await pixelsOf(picture())).toEqual(before)
    } finally {
      await studio.leave()
      await app.close()
    }
  })

  it('does not wait for a service worker that is slow to come, and works offline once it is there', async () => {
    const out = join(studio.work, 'slow')
    await writeSite(await openCatalogue([STUDENT], { work: `${out}-exports`, dtype: 'fp16' }), out)
    let comes = () => {}
    const late = new Promise<void>((resolve) => {
      comes = resolve
    })
    const { app, url } = await hosted(out, async (path) => {
      if (path.endsWith('/sw.js')) await late
    })
    const browser = await launchWith(join(studio.work, 'profile'))
    try {
      const page = await browser.newPage()
      const painted = () => page.getByTestId('latency').waitFor()
      const pixels = () => pixelsOf(page.locator('.stage .picture'))
      await page.goto(`${url}#prompt=owl&seed=5`)
      await painted()
      const before = await pixels()
      expect(await page.evaluate(() => navigator.serviceWorker.controller)).toBe(null)
      comes()
      const asked = () =>
        page.evaluate(async () => {
          const name = (await caches.keys()).find((one) => one.endsWith(' asked'))
          const kept = name ? await (await caches.open(name)).keys() : []
          return kept.map(({ url }) => url).join()
        })
      await expect.poll(asked).toMatch(/(?=.*models\.json)(?=.*\.wasm)/)
      await app.close()
      await browser.setOffline(true)
      await page.reload()
      await painted()
      expect(await pixels()).toEqual(before)
    } finally {
      comes()
      await browser.close()
      await app.close()
    }
  })

  it('leaves alone what is not its own at the same address', async () => {
    await open('#prompt=owl&seed=5', {})
    await painted()
    const asked = await page().evaluate(async () => {
      const fetched = await Promise.all(['other.js', 'api/runs'].map((path) => fetch(path)))
      const kept = await Promise.all(
        (await caches.keys()).map(async (name) => (await caches.open(name)).keys()),
      )
      return [...fetched.map(({ status }) => status), ...kept.flat().map(({ url }) => new URL(url).pathname)]
    })
    expect(asked.slice(0, 2)).toEqual([404, 200])
    expect(asked).not.toContain('/other.js')
    expect(asked).not.toContain('/api/runs')
    expect(asked).toContain('/models.json')
  })

  it('can be written as a folder for any web server, and not over something else', async () => {
    const out = join(studio.work, 'site')
    await succeeds(['studio', STUDENT, '--build', out])
    expect(JSON.parse(await readFile(join(out, 'models.json'), 'utf8'))).toEqual({
      models: [
        {
          name: 'emoji-16-guided',
          path: 'models/emoji-16-guided/',
          kind: 'student',
          teacher: 'emoji-16-teacher',
          sha256: await hashOfConfig(STUDENT),
        },
        {
          name: 'emoji-16-teacher',
          path: 'models/emoji-16-teacher/',
          kind: 'teacher',
          sha256: await hashOfConfig('models/emoji-16-teacher'),
        },
      ],
      runs: false,
    })
    for (const file of ['index.html', 'sw.js', 'models/emoji-16-teacher/model.onnx'])
      expect(existsSync(join(out, file))).toBe(true)
    const { app, url } = await hosted(out)
    try {
      await open(`${url}#prompt=owl&seed=5`, {})
      await painted()
      expect(await page().locator('.status').textContent()).toContain('WebAssembly, one thread')
      expect(await page().locator('nav button').allTextContents()).toEqual(['Paint', 'Compare', 'Draw'])
      // Its policy is in the page itself, where the server sends none.
      const policy = page().locator('meta[http-equiv="Content-Security-Policy"]')
      expect(await policy.getAttribute('content')).toMatch(
        /^default-src 'none'; script-src 'self' 'wasm-unsafe-eval';/,
      )
      expect(studio.complaints).toEqual([])
    } finally {
      await studio.leave()
      await app.close()
    }
    await writeFile(join(studio.work, 'note.txt'), 'mine')
    // Before models are exported for nothing.
    expect(await fails(['studio', STUDENT, '--build', studio.work], 2)).toContain('is no studio;')
    expect(await fails(['studio', 'models/nowhere'], 2)).toContain('models/nowhere')
  })
})
