/** What the studio does where something is missing, broken or not to be shown. */
import { cp, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { exportModel } from '../../packages/onestroke/src/export/index.js'
import { loadModel } from '../../packages/onestroke/src/model/index.js'
import { boundlessOwl } from '../../packages/onestroke/src/model/testing.js'
import { openCatalogue } from '../../packages/onestroke/src/studio/index.js'
import { describeInBrowser } from '../web/describe.js'
import { openStudio, STUDENT, Studio, train, withoutServiceWorkers } from './testing.js'

describeInBrowser('what the studio lacks', () => {
  const studio = openStudio(train)
  const { open, page, painted } = studio

  it('shows nothing that only links put into an export', async () => {
    const place = join(studio.work, 'exports')
    const catalogue = await openCatalogue([STUDENT], { work: join(place, 'made'), dtype: 'fp16' })
    const exported = join(place, 'mine')
    await cp(await catalogue.folder('emoji-16-guided'), exported, { recursive: true })
    await writeFile(join(place, 'secret'), 'secret')
    await symlink('../secret', join(exported, 'secret'))
    await symlink('model.onnx', join(exported, 'same.onnx'))
    const own = await openCatalogue([exported], { work: join(place, 'again'), dtype: 'fp16' })
    expect((await readdir(await own.folder('mine'))).sort()).toEqual([
      'manifest.json',
      'model.onnx',
      'same.onnx',
    ])
  })

  it('says what is missing, broken or unknown', async () => {
    await open('#model=nowhere')
    await page().getByText('The link asks for the model nowhere, which is not here').waitFor()
    await painted()
    const other = await withoutServiceWorkers(studio)
    const lacking = async (route: string, answer: object, words: RegExp) => {
      const page = await other.newPage()
      await page.route(route, (to) => to.fulfill(answer))
      await page.goto(studio.url)
      await page.getByRole('alert').filter({ hasText: words }).waitFor()
      return page
    }
    await lacking('**/models.json', { status: 404, body: '' }, /The studio cannot start: models.json: 404/)
    await lacking('**/model.onnx', { body: 'other bytes' }, /is not the graph that its manifest describes/)
    const again = await lacking(
      '**/manifest.json',
      { status: 500, body: '' },
      /emoji-16-guided does not load: cannot load .*500/,
    )
    await again.unroute('**/manifest.json')
    await again.getByRole('button', { name: 'Try again' }).click()
    await again.getByTestId('latency').waitFor()
    expect(await again.getByRole('alert').count()).toBe(0)
    await other.close()
    const answer = await fetch(`${studio.url}models/none/manifest.json`)
    expect([answer.status, await answer.json()]).toEqual([404, { error: 'there is no model none' }])
    expect((await fetch(`${studio.url}api/runs/none`)).status).toBe(404)
    for (const file of ['..%2F..%2Frun.json', '1.png'])
      expect((await fetch(`${studio.url}api/runs/first/samples/${file}`)).status).toBe(404)
  })

  it('starts by itself when what there is can be read again', async () => {
    const other = await withoutServiceWorkers(studio)
    const page = await other.newPage()
    const answers = ['status', '<title>Sign in</title>', '', '{"models":5}', 'null', 'nothing']
    await page.route('**/models.json', (to) => {
      const answer = answers.shift()
      if (answer === 'status') return to.fulfill({ status: 503, body: '' })
      if (answer === 'nothing') return to.abort()
      return answer === undefined ? to.continue() : to.fulfill({ body: answer })
    })
    await page.goto(`${studio.url}#prompt=owl&seed=5`)
    const alert = page.getByRole('alert').filter({ hasText: 'The studio cannot start' })
    const noList = 'models.json is no list of models. It is asked for again'
    await alert.filter({ hasText: 'models.json: 503' }).waitFor()
    for (let left = 4; left > 0; left--) {
      await expect.poll(() => answers.length, { timeout: 60_000 }).toBeLessThanOrEqual(left)
      await alert.filter({ hasText: noList }).waitFor()
      expect(await page.getByText('Starting…').count()).toBe(0)
    }
    await alert.filter({ hasText: 'Failed to fetch' }).waitFor()
    await page.getByTestId('latency').waitFor()
    expect(answers).toEqual([])
    expect(await page.getByRole('alert').count()).toBe(0)
    expect(await page.getByLabel('Prompt', { exact: true }).inputValue()).toBe('owl')
    expect(await page.getByRole('combobox', { name: 'Model' }).locator('option').allTextContents()).toEqual([
      'emoji-16-guided',
      'emoji-16-teacher',
    ])
    await other.close()
  })

  it('says of a model that paints no picture that it does, and paints on with other words', async () => {
    const out = join(studio.work, 'boundless')
    await exportModel({ model: await loadModel(await boundlessOwl(studio.work)), out, dtype: 'fp32' })
    const other = new Studio([out])
    await other.start(async () => {})
    try {
      await other.open('#prompt=pizza&seed=3')
      const page = other.page()
      await other.painted()
      await other.prompt().fill('owl')
      const words = /^the model painted values that are not finite, which is no picture/
      await page.locator('.status').getByRole('alert').getByText(words).waitFor()
      expect(await page.locator('.stage').getAttribute('aria-busy')).toBe('false')
      await other.goTo('Draw')
      await page.locator('.draw').getByRole('alert').getByText(words).waitFor()
      await other.goTo('Paint')
      await other.prompt().fill('red heart')
      await other.painted()
      expect(await page.getByRole('alert').count()).toBe(0)
    } finally {
      await other.close()
    }
  })

  it('paints also where the browser keeps nothing for pages', async () => {
    const other = await withoutServiceWorkers(studio)
    const page = await other.newPage()
    await page.addInitScript(() => {
      Object.defineProperty(window, 'localStorage', {
        get: () => {
          throw new DOMException('denied', 'SecurityError')
        },
      })
    })
    await page.goto(studio.url)
    await page.getByTestId('latency').waitFor()
    await page.getByRole('button', { name: /^Colours/ }).click()
    expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe('dark')
    await other.close()
  })
})
