/** What people see before there is a picture: a model that is loading, none at all, a phone without https; and the page's policy. */
import { cp, mkdir, readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createGzip } from 'node:zlib'
import axe from 'axe-core'
import type { FastifyInstance } from 'fastify'
import { expect, it, onTestFinished } from 'vitest'
import { openCatalogue, studioServer } from '../../packages/onestroke/src/studio/index.js'
import { launch } from '../web/browser.js'
import { describeInBrowser } from '../web/describe.js'
import { LAST_STROKE, openStudio, STUDENT } from './testing.js'

describeInBrowser('arriving at the studio', () => {
  const studio = openStudio()
  const { open, page } = studio

  const catalogueIn = (name: string, paths: readonly string[], places: readonly string[] = []) =>
    openCatalogue(paths, { work: join(studio.work, name), dtype: 'fp16', places })

  /** Expects that axe finds nothing wrong with the page. */
  const accessible = async () => {
    await page().evaluate(axe.source)
    const { violations } = await page().evaluate(() => (window as never as { axe: typeof axe }).axe.run())
    expect(violations.map(({ id, nodes }) => `${id} ${nodes[0]!.html}`)).toEqual([])
  }

  /** A studio that sends half of a model's graph, compressed, and the rest when it is told to. */
  const slow = async (app: FastifyInstance, graph: Buffer) => {
    let go = () => {}
    const going = new Promise<void>((resolve) => {
      go = resolve
    })
    await app.ready()
    const server: Server = createServer(async (request, response) => {
      if (!request.url?.endsWith('emoji-16-guided/model.onnx')) return app.routing(request, response)
      response.writeHead(200, {
        'content-encoding': 'gzip',
        'cross-origin-resource-policy': 'same-origin',
      })
      const zipped = createGzip()
      zipped.pipe(response)
      zipped.write(graph.subarray(0, graph.length / 2))
      zipped.flush()
      await going
      zipped.end(graph.subarray(graph.length / 2))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(async () => {
      server.closeAllConnections()
      server.close()
      await app.close()
    })
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, go }
  }

  it('tells how far a model has come, also if it comes compressed, and can be used meanwhile', async () => {
    const catalogue = await catalogueIn('slow', [STUDENT])
    const graph = await readFile(join(await catalogue.folder('emoji-16-guided'), 'model.onnx'))
    const { url, go } = await slow(await studioServer(catalogue, [studio.work]), graph)
    await open(`${url}#seed=3`, {})
    const megabytes = (share: number) => ((share * graph.length) / 1e6).toFixed(1)
    const half = `emoji-16-guided is loading ${megabytes(0.5)} of ${megabytes(1)} MB (50 %)`
    const line = page().locator('.loading p').first()
    const told = async () => (await line.textContent())?.replace(/\s+/g, ' ')
    await expect.poll(told, { timeout: 60_000 }).toContain(half)
    expect(await page().getByRole('progressbar').first().getAttribute('value')).toBe('0.5')
    // Prompts have the model's own suggestions by now.
    const prompt = page().getByLabel('Prompt', { exact: true })
    await prompt.fill('red hea')
    await page().getByRole('button', { name: 'red heart', exact: true }).waitFor()
    await accessible()
    // Another view, and another model, which does not wait for this one.
    for (const name of ['Compare', 'Draw', 'Train', 'Paint'])
      await page().getByRole('navigation').getByRole('button', { name }).click()
    const model = page().getByRole('combobox', { name: 'Model' })
    await model.selectOption('emoji-16-teacher')
    await page().getByTestId('latency').waitFor()
    await model.selectOption('emoji-16-guided')
    await prompt.fill('red')
    await prompt.focus()
    await page().keyboard.press('End')
    go()
    await page().getByTestId('latency').waitFor()
    // Who types goes on typing.
    await page().waitForFunction(() => document.activeElement instanceof HTMLInputElement)
    await page().keyboard.type(' heart')
    expect(await prompt.inputValue()).toBe('red heart')
    expect(await page().locator('.loading').count()).toBe(0)
    expect(studio.complaints).toEqual([])
  })

  it('says how to get a model where there is none, and shows it when it is there', async () => {
    const place = join(studio.work, 'place')
    await mkdir(place)
    const app = await studioServer(await catalogueIn('none', [], [place]), [place])
    await app.listen({ port: 0, host: '127.0.0.1' })
    onTestFinished(() => app.close())
    await open(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}/#seed=3&prompt=owl`, {
      viewport: { width: 390, height: 844 },
    })
    const section = page().getByRole('region', { name: 'How to get a model' })
    await section.getByText('There is no model here yet.').waitFor()
    const text = await section.textContent()
    for (const part of ['npx onestroke demo', 'npx onestroke distill teacher DATA', place])
      expect(text).toContain(part)
    await accessible()
    expect(await page().evaluate(() => document.documentElement.scrollWidth)).toBe(390)
    await cp(STUDENT, join(place, 'mine'), { recursive: true })
    await page().getByTestId('latency').waitFor()
    expect(await section.count()).toBe(0)
    expect(studio.complaints).toEqual([])
  })

  it('paints on a phone in the same network, with the token, without https', async () => {
    const token = 'a-token-of-enough-letters'
    const guard = { host: '0.0.0.0', allowedHosts: ['phone.test'], token }
    const app = await studioServer(await catalogueIn('phone', [STUDENT]), [studio.work], guard)
    await app.listen({ port: 0, host: '127.0.0.1' })
    onTestFinished(() => app.close())
    const phone = await launch('--host-resolver-rules=MAP phone.test 127.0.0.1')
    onTestFinished(() => phone.close())
    const { port } = app.server.address() as AddressInfo
    const context = await phone.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true })
    const page = await context.newPage()
    page.setDefaultTimeout(100_000)
    await page.goto(`http://phone.test:${port}/`)
    await page.getByText('This studio opens with its link').waitFor()
    await page.getByLabel('Token').fill('not-the-token-of-letters')
    await page.getByRole('button', { name: 'Open' }).click()
    await page.getByText('This token is not the studio’s.').waitFor()
    await page.goto(`http://phone.test:${port}/?token=${token}#prompt=owl&seed=5`)
    await page.getByTestId('latency').waitFor()
    expect(page.url()).not.toContain('token')
    expect(await page.evaluate(() => isSecureContext)).toBe(false)
    expect(await page.locator('.status').textContent()).toContain('WebAssembly, one thread')
    await page.getByRole('button', { name: 'Copy link' }).click()
    await page.getByText('Not allowed: it needs https').waitFor()
    await page.reload()
    await page.getByTestId('latency').waitFor()
  })

  it('has a strict content security policy, which no view breaks', async () => {
    const response = await fetch(studio.url)
    expect(response.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self';.*frame-ancestors 'none'$/,
    )
    await open('#prompt=owl&seed=5')
    await studio.painted()
    for (const [view, sign] of [
      ['Compare', LAST_STROKE],
      ['Draw', '.easel'],
      ['Train', '.quiet'],
      ['Paint', '.stage .picture'],
    ] as const) {
      await page().getByRole('navigation').getByRole('button', { name: view }).click()
      await page().locator(sign).first().waitFor()
    }
    await page().getByRole('button', { name: 'Other seeds' }).click()
    await page().locator('.tiles li').nth(11).waitFor()
    const download = page().waitForEvent('download')
    await page().getByRole('button', { name: 'Save PNG' }).click()
    await download
    // A palette's colours, and tiles in columns, are the page's own styles.
    expect(
      await page()
        .locator('.tiles')
        .evaluate((tiles) => getComputedStyle(tiles).getPropertyValue('--columns')),
    ).toBe('6')
    expect(studio.complaints).toEqual([])
    const broken = page().evaluate(
      () =>
        new Promise<string>((resolve) => {
          document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) =>
            resolve(effectiveDirective),
          )
          const script = document.createElement('script')
          script.textContent = 'document.title = "not mine"'
          document.head.append(script)
        }),
    )
    expect(await broken).toBe('script-src-elem')
  })
})
