/** From a training in the studio to pictures of its model. */
import { cp, readFile, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { loadModel } from '../../packages/onestroke/src/model/index.js'
import { describeInBrowser } from '../web/describe.js'
import { openStudio, pixelsOf, STUDENT, trainWithReport } from './testing.js'

describeInBrowser('after a training', () => {
  const studio = openStudio(trainWithReport, [STUDENT, 'models/emoji-16-student'])
  const { open, page, picture, painted, prompt, goTo, shown } = studio

  it('leads from a training that is done to its report, and paints with it', async () => {
    await open('#view=train&run=first')
    const report = page().waitForEvent('popup')
    await page().getByRole('link', { name: 'Report' }).click()
    expect(await (await report).title()).toBe('the report')
    await (await report).close()
    await page().getByRole('button', { name: 'Paint with it' }).click()
    await shown('Paint')
    await painted()
    expect(await page().getByRole('combobox', { name: 'Model' }).inputValue()).toBe('first')
    const { vocabulary } = JSON.parse(await readFile(join(studio.work, 'runs/first/config.json'), 'utf8'))
    expect(await prompt().inputValue()).toBe(vocabulary.examples[0])
    await page().waitForURL(/model=first/)
    // A link to it works, also in a studio that was started anew.
    await studio.app.close()
    await studio.restart()
    await page().reload()
    await painted()
    expect(await page().getByRole('combobox', { name: 'Model' }).inputValue()).toBe('first')
    expect(studio.complaints).toEqual([])
  })

  it('begins with the example of a training’s model, unless it knows what was asked for', async () => {
    const { vocabulary } = JSON.parse(await readFile(join(studio.work, 'runs/first/config.json'), 'utf8'))
    const [example, known] = vocabulary.examples
    for (const [asked, expected] of [
      ['prompt=owl&seed=5&style=noto&to-prompt=pizza&mix=0.5', `prompt=${example}&seed=0&`],
      [`prompt=${known}&seed=5`, `prompt=${known}&seed=5&`],
    ]) {
      await open(`#${asked}`)
      await painted()
      await goTo('Train')
      await page().getByRole('button', { name: 'Paint with it' }).click()
      await shown('Paint')
      await painted()
      const address = new URLSearchParams(expected!.replaceAll(' ', '+'))
      await expect
        .poll(() => {
          const now = new URLSearchParams(new URL(page().url()).hash.slice(1))
          return [now.get('model'), now.get('prompt'), now.get('seed'), now.get('mix'), now.get('to-prompt')]
        })
        .toEqual(['first', address.get('prompt'), address.get('seed'), null, null])
    }
    expect(studio.complaints).toEqual([])
  })

  it('paints with a training that was done anew in the same tab', async () => {
    const again = join(studio.work, 'runs/anew')
    await cp(join(studio.work, 'runs/first'), again, { recursive: true })
    try {
      const paintWithIt = async () => {
        await goTo('Train')
        await page().getByRole('combobox', { name: 'Training' }).selectOption('anew')
        await page().getByRole('button', { name: 'Paint with it' }).click()
        await shown('Paint')
        await painted()
        await page().locator('.stage[aria-busy="false"]').waitFor()
        return pixelsOf(picture())
      }
      // Without a prompt there is none that a model does not know.
      await open('#seed=5')
      await page().evaluate(() => Object.assign(window, { same: true }))
      const before = await paintWithIt()
      expect(await paintWithIt()).toEqual(before)
      for (const file of ['model.safetensors', 'config.json'])
        await cp(join(STUDENT, file), join(again, file))
      const after = await paintWithIt()
      expect(after).not.toEqual(before)
      expect(await page().evaluate(() => (window as never as { same?: boolean }).same)).toBe(true)
      // It is the picture of the model that was put there.
      const steps = await page().getByLabel('Steps').inputValue()
      await open(`#model=emoji-16-guided&seed=5&steps=${steps}`)
      await painted()
      expect(await pixelsOf(picture())).toEqual(after)
    } finally {
      await rm(again, { recursive: true })
    }
    expect(studio.complaints).toEqual([])
  })

  it('takes up links that are opened in the same tab: to a picture, and to a training', async () => {
    const follow = (link: string) => page().evaluate((to) => location.assign(to), link)
    const stepsTaken = async () => {
      await page().locator('.stage[aria-busy="false"]').waitFor()
      return [await page().getByLabel('Steps').inputValue(), await page().locator('.took').textContent()]
    }
    await open('#prompt=owl&seed=5&steps=4')
    await painted()
    expect(await stepsTaken()).toEqual(['4', expect.stringContaining(' in 4 steps')])
    await follow('#prompt=pizza&seed=4')
    await page().waitForURL(/#model=emoji-16-guided&prompt=pizza&seed=4&steps=1$/)
    expect(await stepsTaken()).toEqual(['1', expect.stringContaining(' in one step')])
    // A model's own, also if another one was painted with.
    const { sampling } = JSON.parse(await readFile('models/emoji-16-teacher/config.json', 'utf8'))
    await follow('#model=emoji-16-teacher&prompt=pizza&seed=4')
    await page().waitForURL(new RegExp(`seed=4&steps=${sampling.num_inference_steps}$`))
    expect((await stepsTaken())[0]).toBe(String(sampling.num_inference_steps))
    // One of the two trainings is not done.
    const second = join(studio.work, 'runs/second')
    await cp(join(studio.work, 'runs/first'), second, { recursive: true })
    try {
      await rm(join(second, 'config.json'))
      const training = page().getByRole('combobox', { name: 'Training' })
      for (const [run, state] of [
        ['first', 'Done'],
        ['second', 'Stopped'],
        ['first', 'Done'],
      ] as const) {
        await follow(`#view=train&run=${run}`)
        await shown('Train')
        await page().getByText(`${state}: 100 %`).waitFor()
        expect(await training.inputValue()).toBe(run)
        expect(await page().locator('.samples img').getAttribute('src')).toContain(`api/runs/${run}/`)
        await page().waitForURL(new RegExp(`#view=train&run=${run}&model=`))
      }
      await page().goBack()
      await page().getByText('Stopped: 100 %').waitFor()
      expect(await training.inputValue()).toBe('second')
    } finally {
      await rm(second, { recursive: true })
    }
    expect(studio.complaints).toEqual([])
  })

  it('paints with a training that was done anew, once the page is loaded again', async () => {
    const again = join(studio.work, 'runs/again')
    await cp(join(studio.work, 'runs/first'), again, { recursive: true })
    try {
      await open('#model=again&prompt=owl&seed=5')
      await painted()
      const before = await pixelsOf(picture())
      const told = async () => {
        const { models } = await (await fetch(`${studio.url}models.json`)).json()
        const { graph, source } = await (await fetch(`${studio.url}models/again/manifest.json`)).json()
        return { ...models.find(({ name }: { name: string }) => name === 'again'), graph, source }
      }
      const { sha256 } = await loadModel(again)
      expect(await told()).toMatchObject({ kind: 'teacher', source: { sha256 } })
      // Another training's model, which a copy gives the age of the former one.
      const config = join(again, 'config.json')
      const { atime, mtime } = await stat(config)
      for (const file of ['model.safetensors', 'config.json'])
        await cp(join(STUDENT, file), join(again, file))
      await utimes(config, atime, mtime)
      const student = await loadModel(again)
      expect(student.sha256).not.toBe(sha256)
      expect(await told()).toMatchObject({ kind: 'student', source: { sha256: student.sha256 } })
      await page().reload()
      await painted()
      expect(await page().getByRole('combobox', { name: 'Model' }).inputValue()).toBe('again')
      const after = await pixelsOf(picture())
      expect(after).not.toEqual(before)
      // It is the picture of the model that was put there.
      const steps = await page().getByLabel('Steps').inputValue()
      await open(`#model=emoji-16-guided&prompt=owl&seed=5&steps=${steps}`)
      await painted()
      expect(await pixelsOf(picture())).toEqual(after)
    } finally {
      await rm(again, { recursive: true })
    }
    expect(studio.complaints).toEqual([])
  })
})
