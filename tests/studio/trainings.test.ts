/** The view of trainings in the studio: curves, pictures through time, and what runs. */
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { listRuns } from '../../packages/onestroke/src/studio/runs.js'
import { lockRun } from '../../packages/onestroke/src/training/index.js'
import { describeInBrowser } from '../web/describe.js'
import { openStudio, train, withoutServiceWorkers } from './testing.js'

describeInBrowser('trainings in the studio', () => {
  const studio = openStudio(train)
  const { open, page } = studio

  it('shows trainings: curves, and pictures through time', async () => {
    await open('#view=train')
    await page().getByText('Done: 100 %').waitFor()
    expect(await page().locator('.facts').textContent()).toMatch(/of 640 pictures, \d+ a second, train with/)
    expect(await page().locator('.curve figcaption span').first().textContent()).toMatch(
      /^now loss: 0?\.\d+|^now loss: \d/,
    )
    const image = page().locator('.samples img')
    expect(await image.evaluate((element) => (element as HTMLImageElement).naturalWidth)).toBeGreaterThan(100)
    const [png] = await readdir(join(studio.work, 'runs/first/samples'))
    expect(await image.getAttribute('src')).toContain(png)
    expect(studio.complaints).toEqual([])
  })

  it('says that the progress of a training is damaged, and shows what there is', async () => {
    const [first, cut] = ['first', 'cut'].map((name) => join(studio.work, 'runs', name))
    await cp(first!, cut!, { recursive: true })
    const progress = await readFile(join(cut!, 'progress.json'))
    await writeFile(join(cut!, 'progress.json'), progress.subarray(0, progress.length / 2))
    await open('#view=train&run=cut')
    await page()
      .getByRole('alert')
      .filter({ hasText: 'progress.json of cut is damaged or missing, so there are no curves.' })
      .waitFor()
    expect(await page().getByText('has begun').count()).toBe(0)
    await page().getByRole('button', { name: 'Paint with it' }).waitFor()
    await expect
      .poll(() =>
        page()
          .locator('.samples img')
          .evaluate((image) => (image as HTMLImageElement).naturalWidth),
      )
      .toBeGreaterThan(100)
    await rm(cut!, { recursive: true })
    expect(studio.complaints.filter((one) => !one.includes('404'))).toEqual([])
  })

  it('shows nothing that only links put into a run’s folder', async () => {
    const linked = join(studio.work, 'runs/linked')
    const secret = join(studio.work, 'secret')
    await cp(join(studio.work, 'runs/first'), linked, { recursive: true })
    await mkdir(secret)
    for (const name of ['report.html', '0000000001.png']) await writeFile(join(secret, name), 'secret')
    await symlink(join(secret, 'report.html'), join(linked, 'report.html'))
    await symlink(join(secret, '0000000001.png'), join(linked, 'samples/0000000001.png'))
    const at = (name: string, rest: string) => fetch(`${studio.url}api/runs/${name}${rest}`)
    const samples = await readdir(join(studio.work, 'runs/first/samples'))
    expect(await (await at('linked', '')).json()).toMatchObject({ report: false, samples })
    for (const file of ['/report', '/samples/0000000001.png']) {
      const answer = await at('linked', file)
      expect([answer.status, await answer.text()]).toEqual([404, expect.not.stringMatching(/^secret/)])
    }
    await rm(join(linked, 'samples'), { recursive: true })
    await symlink(secret, join(linked, 'samples'))
    expect(await (await at('linked', '')).json()).toMatchObject({ samples: [] })
    expect((await at('linked', '/samples/0000000001.png')).status).toBe(404)
    // A run that is reached by a link is a run.
    await rm(linked, { recursive: true })
    await symlink('first', linked)
    expect((await at('linked', `/samples/${samples[0]}`)).status).toBe(200)
    await writeFile(join(linked, 'report.html'), '<title>Report</title>')
    expect(await (await at('linked', '/report')).text()).toBe('<title>Report</title>')
    await rm(join(linked, 'report.html'))
    await rm(linked)
  })

  it('draws losses also below 0, as errors of derivatives may be', async () => {
    const other = await withoutServiceWorkers(studio)
    const page = await other.newPage()
    await page.route('**/api/runs/first', async (to) => {
      const response = await to.fetch()
      const found = await response.json()
      const log = [1, 0, -1].map((loss, i) => ({ images: 100 * (i + 1), loss }))
      await to.fulfill({ response, json: { ...found, progress: { ...found.progress, log } } })
    })
    await page.goto(`${studio.url}#view=train`)
    await page.getByText('now loss: -1').waitFor()
    /** How far the highest line that the curve touches is from the lowest, as a share of the chart's height. */
    const reach = () =>
      page
        .locator('.curve canvas')
        .first()
        .evaluate((element) => {
          const { width, height } = element as HTMLCanvasElement
          const { data } = (element as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height)
          const touched = Array.from({ length: height }, (_, y) => y).filter((y) =>
            Array.from({ length: width }, (_, x) => 4 * (y * width + x)).some(
              (at) => data[at]! - data[at + 2]! > 100 && data[at + 3]! > 200,
            ),
          )
          return touched.length > 0 ? (touched.at(-1)! - touched[0]!) / height : 0
        })
    await expect.poll(reach).toBeGreaterThan(0.5)
    await other.close()
  })

  it('tells which trainings run, also where two are called the same', async () => {
    const more = join(studio.work, 'more')
    await cp(join(studio.work, 'runs/first'), join(more, 'first'), { recursive: true })
    await rm(join(more, 'first/config.json'))
    const look = async () =>
      (await listRuns([join(studio.work, 'runs'), more])).sort((a, b) => (a.name < b.name ? -1 : 1))
    const names = ['first', 'first-2']
    expect(await look()).toMatchObject(names.map((name, i) => ({ name, finished: i === 0, running: false })))
    // The first one is done: its lock is of somebody who makes its report.
    const unlocks = await Promise.all(
      [studio.work, more].map((at, i) => lockRun(join(at, i ? 'first' : 'runs/first'))),
    )
    expect(await look()).toMatchObject(
      names.map((name, i) => ({ name, finished: i === 0, running: i === 1 })),
    )
    for (const unlock of unlocks) await unlock()
    expect((await look())[1]).toMatchObject({ running: false })
  })
})
