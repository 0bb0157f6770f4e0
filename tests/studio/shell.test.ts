/** What is around the pictures of the studio: views and their history, first pictures, waiting, files, small and large screens. */
import { cp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import sharp, { type Sharp } from 'sharp'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { readRecipe } from '../../packages/core/src/pipeline/index.js'
import { loadModel } from '../../packages/onestroke/src/model/index.js'
import { succeeds } from '../cli/testing.js'
import { browserLacks } from '../web/browser.js'
import { changed, pixelsOf, STUDENT, Studio, TEACHER_STEPS } from './testing.js'

describe.skipIf(browserLacks !== undefined)(
  `the studio's shell${browserLacks ? `: ${browserLacks}` : ''}`,
  () => {
    let studio: Studio
    let page: Page
    const open = async (...options: Parameters<Studio['visit']>) => {
      page = await studio.visit(...options)
    }
    const picture = () => studio.picture()
    const painted = () => studio.painted()
    const prompt = () => page.getByLabel('Prompt', { exact: true })
    const seed = () => page.getByLabel('Seed', { exact: true })
    const goTo = (view: string) =>
      page.getByRole('navigation').getByRole('button', { name: view, exact: true }).click()
    const shown = (view: string) =>
      page.getByRole('navigation').locator('[aria-current]', { hasText: view }).waitFor()
    const isReady = () => page.getByText(/The student is .* faster here/).waitFor()
    const saved = async (button: string) => {
      const download = page.waitForEvent('download')
      await page.getByRole('button', { name: button }).click()
      const file = await download
      return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) }
    }

    beforeAll(async () => {
      studio = await Studio.open(
        async (work) => {
          await succeeds([
            'train',
            'iconify:fluent-emoji-flat',
            '--category',
            'Flags',
            '--resolution',
            '16',
            '--preset',
            'tiny',
            '--images',
            '640',
            '--out',
            join(work, 'runs/first'),
          ])
          await writeFile(join(work, 'runs/first/report.html'), '<title>the report</title>')
        },
        [STUDENT, 'models/emoji-16-student'],
      )
    })
    afterAll(() => studio?.close())
    afterEach(() => studio.leave())

    it('begins with the picture that a model names, unless the link asks for one', async () => {
      await open()
      await painted()
      const { example } = JSON.parse(await readFile(join(STUDENT, 'config.json'), 'utf8'))
      expect(await prompt().inputValue()).toBe(example.prompt)
      expect(await seed().inputValue()).toBe(String(example.seed))
      await expect.poll(() => page.url()).toContain(`prompt=${example.prompt}&seed=${example.seed}`)
      // Before anything is painted, nothing is asked for.
      await open('#view=train')
      await page.getByText('Done: 100 %').waitFor()
      await page.waitForURL(/#view=train&run=first&model=emoji-16-guided$/)
      await page.reload()
      await page.getByText('Done: 100 %').waitFor()
      await goTo('Paint')
      await painted()
      expect(await prompt().inputValue()).toBe(example.prompt)
      // A link with a seed and no prompt means no prompt.
      await open('#seed=4')
      await painted()
      expect([await prompt().inputValue(), await seed().inputValue()]).toEqual(['', '4'])
      // Another address in the same tab, which asks for nothing.
      await page.evaluate(() => location.assign('#view=compare'))
      await isReady()
      expect(await prompt().inputValue()).toBe(example.prompt)
      expect(studio.complaints).toEqual([])
    })

    /** Notes, frame by frame until the picture stands, what a view shows. */
    const watch = (busy: string, canvas: string) =>
      page.evaluate(
        ([busy, canvas]) => {
          const seen = { busy: 0, signs: 0, blank: 0, done: false }
          Object.assign(window, { seen })
          const look = () => {
            const element = document.querySelector(busy!)
            const isBusy = element?.getAttribute('aria-busy') === 'true'
            if (isBusy) seen.busy++
            if (element?.querySelector('.busy')) seen.signs++
            const { width, height } = document.querySelector(canvas!) as HTMLCanvasElement
            const context = (document.querySelector(canvas!) as HTMLCanvasElement).getContext('2d')!
            if (context.getImageData(0, 0, width, height).data.every((value) => value === 0)) seen.blank++
            if (seen.busy > 0 && !isBusy) seen.done = true
            else requestAnimationFrame(look)
          }
          new MutationObserver(look).observe(document.body, { subtree: true, attributes: true })
        },
        [busy, canvas],
      )
    const seen = async () => {
      await page.waitForFunction(() => (window as never as { seen: { done: boolean } }).seen.done)
      return page.evaluate(
        () => (window as never as { seen: Record<'busy' | 'signs' | 'blank', number> }).seen,
      )
    }

    it('says that it paints, from the wish to the picture', async () => {
      await open('#model=emoji-16-teacher&prompt=owl&seed=5&steps=32')
      await painted()
      const before = await pixelsOf(picture())
      expect(await page.locator('.stage').getAttribute('aria-busy')).toBe('false')
      await watch('.stage', '.stage .picture')
      await prompt().fill('pizza')
      const { busy, signs, blank } = await seen()
      expect([busy > 0, signs > 0, blank]).toEqual([true, true, 0])
      expect(await pixelsOf(picture())).not.toEqual(before)
      expect(await page.locator('.busy').count()).toBe(0)
      expect(await page.locator('.took').getAttribute('aria-hidden')).toBe('false')
    })

    it('keeps the teacher’s picture, with a sign, until the next has begun', async () => {
      await open('#view=compare&prompt=owl&seed=5')
      await isReady()
      const teacher = page.locator('.pair .picture').nth(1)
      const before = await pixelsOf(teacher)
      await watch('.pair figure:nth-child(2)', '.pair figure:nth-child(2) .picture')
      await prompt().fill('pizza')
      const { busy, signs, blank } = await seen()
      expect([busy > 0, signs > 0, blank]).toEqual([true, true, 0])
      await isReady()
      expect(await pixelsOf(teacher)).not.toEqual(before)
      expect(await page.locator('.film li').count()).toBe(TEACHER_STEPS)
      expect(await page.locator('.film .before').count()).toBe(0)
    })

    it('moves between views with Back and Forward, and stays in one when it is loaded again', async () => {
      await open('#prompt=owl&seed=5')
      await painted()
      await page.evaluate(() => Object.assign(window, { same: true }))
      await goTo('Compare')
      await shown('Compare')
      await goTo('Draw')
      await shown('Draw')
      await prompt().fill('pizza')
      await page.goBack()
      await shown('Compare')
      expect(await page.title()).toBe('Compare · onestroke studio')
      await page.goBack()
      await shown('Paint')
      expect(await prompt().inputValue()).toBe('owl')
      await page.getByRole('button', { name: 'Use as input' }).first().click()
      await shown('Draw')
      await page.goBack()
      await shown('Paint')
      await page.goForward()
      await shown('Draw')
      expect(await page.evaluate(() => (window as never as { same?: boolean }).same)).toBe(true)
      await page.reload()
      await shown('Draw')
      await open('#view=compare')
      await shown('Compare')
      expect(studio.complaints).toEqual([])
    })

    it('shows guidance and negative prompt wherever they act, and says why a model has none', async () => {
      await open('#prompt=cat+face&seed=5&guidance=2&without=noto')
      for (const view of ['Paint', 'Compare', 'Draw']) {
        await goTo(view)
        // While the model loads, only what to paint is there.
        await page.getByLabel('Show pixels as squares').waitFor()
        expect(await page.getByRole('slider', { name: 'Guidance' }).inputValue()).toBe('2')
        expect(await page.getByLabel('Negative prompt').inputValue()).toBe('noto')
      }
      const drawn = page.locator('.draw .picture')
      await page.getByTestId('drawn').filter({ hasText: 'ms' }).waitFor()
      const before = await pixelsOf(drawn)
      await page.getByRole('slider', { name: 'Guidance' }).fill('3')
      await changed(drawn, before)
      await page.getByRole('combobox', { name: 'Model' }).selectOption('emoji-16-student')
      await page.getByText('takes no guidance scale and no negative prompt').waitFor()
    })

    it('keeps what was painted, to be had again', async () => {
      await open('#prompt=owl&seed=5')
      await painted()
      const before = await pixelsOf(picture())
      const past = page.locator('.past .tile')
      await expect.poll(() => past.count()).toBe(1)
      await prompt().fill('pizza')
      await page.getByLabel('Steps').fill('2')
      await seed().fill('6')
      await expect.poll(() => past.count()).toBe(2)
      const second = await pixelsOf(picture())
      const first = page.getByRole('button', { name: 'owl seed 5: bring it back' })
      await first.focus()
      await page.keyboard.press('Enter')
      await expect.poll(() => pixelsOf(picture())).toEqual(before)
      expect([await prompt().inputValue(), await seed().inputValue()]).toEqual(['owl', '5'])
      expect(await page.getByLabel('Steps').inputValue()).toBe('1')
      await expect.poll(() => first.getAttribute('aria-current')).toBe('true')
      // A model is part of it.
      await page.getByRole('combobox', { name: 'Model' }).selectOption('emoji-16-student')
      await painted()
      await expect.poll(() => past.count()).toBe(3)
      await page.getByRole('button', { name: 'pizza seed 6' }).click()
      await page.waitForURL(/model=emoji-16-guided&prompt=pizza&seed=6&steps=2/)
      await painted()
      expect(await pixelsOf(picture())).toEqual(second)
      // No more than a strip.
      await page.clock.install()
      const titles = () => past.evaluateAll((all) => all.map((one) => one.getAttribute('title')).join())
      for (let i = 0; i < 24; i++) {
        const before = await titles()
        await seed().fill(String(100 + i))
        await expect
          .poll(async () => {
            await page.clock.runFor(800)
            return titles()
          })
          .not.toBe(before)
      }
      expect(await past.count()).toBe(24)
      expect(await first.count()).toBe(0)
      // What is there is not kept twice.
      const kept = await titles()
      await past.nth(5).focus()
      await page.keyboard.press('Enter')
      await expect
        .poll(async () => {
          await page.clock.runFor(100)
          return [await seed().inputValue(), await page.locator('.stage').getAttribute('aria-busy')]
        })
        .toEqual(['118', 'false'])
      await page.clock.runFor(800)
      expect(await titles()).toBe(kept)
    })

    it('keeps what was painted in its tab when the page is loaded again', async () => {
      await open('#prompt=owl&seed=5', {})
      await painted()
      const past = page.locator('.past .tile')
      await expect.poll(() => past.count()).toBe(1)
      const owl = await pixelsOf(picture())
      await prompt().fill('pizza')
      await expect.poll(() => past.count()).toBe(2)
      await page.reload()
      await painted()
      expect(await past.count()).toBe(2)
      await page.getByRole('button', { name: 'owl seed 5: bring it back' }).click()
      await expect.poll(() => pixelsOf(picture())).toEqual(owl)
      expect(await pixelsOf(past.nth(1).locator('canvas'))).toEqual(owl)
      // Another tab has its own.
      const other = await page.context().newPage()
      await other.goto(`${studio.url}#prompt=ant&seed=5`)
      await other.getByRole('button', { name: 'ant seed 5: bring it back' }).waitFor()
      expect(await other.locator('.past .tile').count()).toBe(1)
      await other.close()
      expect(studio.complaints).toEqual([])
    })

    it('saves the way to another picture as an animation and as a strip, and names files by what they show', async () => {
      await open('#prompt=cat+face&seed=5&to-prompt=owl&to-seed=9')
      await painted()
      expect((await saved('Save PNG')).name).toBe('cat-face-seed-5.png')
      await page.getByText('Interpolate to another picture').click()
      const way = 'cat-face-seed-5-to-owl-seed-9'
      const gif = await saved('Save GIF')
      expect(gif.name).toBe(`${way}.gif`)
      const { pages, width, pageHeight, loop, delay } = await sharp(gif.bytes, { animated: true }).metadata()
      expect({ pages, width, pageHeight, loop }).toEqual({ pages: 46, width: 256, pageHeight: 256, loop: 0 })
      expect([delay![0], delay![1], delay![23]]).toEqual([600, 60, 600])
      const strip = await saved('Save strip')
      expect(strip.name).toBe(`${way}.png`)
      expect(await sharp(strip.bytes).metadata()).toMatchObject({
        width: 8 * 256,
        height: 256,
        format: 'png',
      })
      // Both lead from the one picture to the other.
      const small = (image: Sharp) => image.removeAlpha().resize(16, 16, { kernel: 'cubic' }).raw().toBuffer()
      const far = async (image: Sharp) => {
        const [found, wanted] = [await small(image), (await pixelsOf(picture())).filter((_, i) => i % 4 < 3)]
        return wanted.reduce((sum, value, i) => sum + Math.abs(value - found[i]!), 0) / wanted.length
      }
      const piece = (left: number) => sharp(strip.bytes).extract({ left, top: 0, width: 256, height: 256 })
      const [starts, ends] = [
        [piece(0), sharp(gif.bytes, { page: 0 })],
        [piece(7 * 256), sharp(gif.bytes, { page: 23 })],
      ]
      // Enlarging blurs edges.
      const [same, other] = [12, 20]
      for (const start of starts) expect(await far(start.clone())).toBeLessThan(same)
      for (const end of ends) expect(await far(end.clone())).toBeGreaterThan(other)
      const before = await pixelsOf(picture())
      await page.getByLabel('Mix').fill('1')
      await changed(picture(), before)
      for (const start of starts) expect(await far(start.clone())).toBeGreaterThan(other)
      for (const end of ends) expect(await far(end.clone())).toBeLessThan(same)
      expect((await saved('Save PNG')).name).toBe('owl-seed-9.png')
      await page.getByRole('button', { name: 'Variations' }).click()
      await page.locator('.tiles li').nth(11).waitFor()
      const sheet = await saved('Save sprite sheet')
      expect(sheet.name).toBe('owl-seed-9-variations.png')
      const recipe = readRecipe(sheet.bytes)!
      expect(recipe.to).toMatchObject({ seed: 9 })
      expect([recipe.prompts[0], recipe.seeds.length]).toEqual(['owl', 12])
      expect(studio.complaints).toEqual([])
    })

    it('leads from a training that is done to its report, and paints with it', async () => {
      await open('#view=train&run=first')
      const report = page.waitForEvent('popup')
      await page.getByRole('link', { name: 'Report' }).click()
      expect(await (await report).title()).toBe('the report')
      await (await report).close()
      await page.getByRole('button', { name: 'Paint with it' }).click()
      await shown('Paint')
      await painted()
      expect(await page.getByRole('combobox', { name: 'Model' }).inputValue()).toBe('first')
      const { vocabulary } = JSON.parse(await readFile(join(studio.work, 'runs/first/config.json'), 'utf8'))
      expect(await prompt().inputValue()).toBe(vocabulary.examples[0])
      await page.waitForURL(/model=first/)
      // A link to it works, also in a studio that was started anew.
      await studio.app.close()
      await studio.restart()
      await page.reload()
      await painted()
      expect(await page.getByRole('combobox', { name: 'Model' }).inputValue()).toBe('first')
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
        await page.getByRole('button', { name: 'Paint with it' }).click()
        await shown('Paint')
        await painted()
        const address = new URLSearchParams(expected!.replaceAll(' ', '+'))
        await expect
          .poll(() => {
            const now = new URLSearchParams(new URL(page.url()).hash.slice(1))
            return [
              now.get('model'),
              now.get('prompt'),
              now.get('seed'),
              now.get('mix'),
              now.get('to-prompt'),
            ]
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
          await page.getByRole('combobox', { name: 'Training' }).selectOption('anew')
          await page.getByRole('button', { name: 'Paint with it' }).click()
          await shown('Paint')
          await painted()
          await page.locator('.stage[aria-busy="false"]').waitFor()
          return pixelsOf(picture())
        }
        // Without a prompt there is none that a model does not know.
        await open('#seed=5')
        await page.evaluate(() => Object.assign(window, { same: true }))
        const before = await paintWithIt()
        expect(await paintWithIt()).toEqual(before)
        for (const file of ['model.safetensors', 'config.json'])
          await cp(join(STUDENT, file), join(again, file))
        const after = await paintWithIt()
        expect(after).not.toEqual(before)
        expect(await page.evaluate(() => (window as never as { same?: boolean }).same)).toBe(true)
        // It is the picture of the model that was put there.
        const steps = await page.getByLabel('Steps').inputValue()
        await open(`#model=emoji-16-guided&seed=5&steps=${steps}`)
        await painted()
        expect(await pixelsOf(picture())).toEqual(after)
      } finally {
        await rm(again, { recursive: true })
      }
      expect(studio.complaints).toEqual([])
    })

    it('takes up links that are opened in the same tab: to a picture, and to a training', async () => {
      const follow = (link: string) => page.evaluate((to) => location.assign(to), link)
      const stepsTaken = async () => {
        await page.locator('.stage[aria-busy="false"]').waitFor()
        return [await page.getByLabel('Steps').inputValue(), await page.locator('.took').textContent()]
      }
      await open('#prompt=owl&seed=5&steps=4')
      await painted()
      expect(await stepsTaken()).toEqual(['4', expect.stringContaining(' in 4 steps')])
      await follow('#prompt=pizza&seed=4')
      await page.waitForURL(/#model=emoji-16-guided&prompt=pizza&seed=4&steps=1$/)
      expect(await stepsTaken()).toEqual(['1', expect.stringContaining(' in one step')])
      // A model's own, also if another one was painted with.
      const { sampling } = JSON.parse(await readFile('models/emoji-16-teacher/config.json', 'utf8'))
      await follow('#model=emoji-16-teacher&prompt=pizza&seed=4')
      await page.waitForURL(new RegExp(`seed=4&steps=${sampling.num_inference_steps}$`))
      expect((await stepsTaken())[0]).toBe(String(sampling.num_inference_steps))
      // One of the two trainings is not done.
      const second = join(studio.work, 'runs/second')
      await cp(join(studio.work, 'runs/first'), second, { recursive: true })
      try {
        await rm(join(second, 'config.json'))
        const training = page.getByRole('combobox', { name: 'Training' })
        for (const [run, state] of [
          ['first', 'Done'],
          ['second', 'Stopped'],
          ['first', 'Done'],
        ] as const) {
          await follow(`#view=train&run=${run}`)
          await shown('Train')
          await page.getByText(`${state}: 100 %`).waitFor()
          expect(await training.inputValue()).toBe(run)
          expect(await page.locator('.samples img').getAttribute('src')).toContain(`api/runs/${run}/`)
          await page.waitForURL(new RegExp(`#view=train&run=${run}&model=`))
        }
        await page.goBack()
        await page.getByText('Stopped: 100 %').waitFor()
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
        await page.reload()
        await painted()
        expect(await page.getByRole('combobox', { name: 'Model' }).inputValue()).toBe('again')
        const after = await pixelsOf(picture())
        expect(after).not.toEqual(before)
        // It is the picture of the model that was put there.
        const steps = await page.getByLabel('Steps').inputValue()
        await open(`#model=emoji-16-guided&prompt=owl&seed=5&steps=${steps}`)
        await painted()
        expect(await pixelsOf(picture())).toEqual(after)
      } finally {
        await rm(again, { recursive: true })
      }
      expect(studio.complaints).toEqual([])
    })

    it('fits a narrow phone, and keeps picture and sliders together', async () => {
      const viewport = { width: 320, height: 640 }
      await open('#prompt=cat+face&seed=5&guidance=2', { viewport })
      const isInView = (locator: ReturnType<typeof picture>) =>
        locator.evaluate((element) => {
          const { top, bottom, height } = element.getBoundingClientRect()
          return height > 0 && top >= 0 && bottom <= innerHeight
        })
      for (const view of ['Paint', 'Compare', 'Draw', 'Train']) {
        await goTo(view)
        await page.locator('.stage .picture, .easel, .samples img').first().waitFor()
        if (view === 'Paint') await page.getByText('Interpolate to another picture').click()
        const wide = await page.evaluate(() => document.documentElement.scrollWidth)
        expect(`${view}: ${wide}`).toBe(`${view}: 320`)
        if (view !== 'Paint' && view !== 'Compare') continue
        for (const slider of await page.getByRole('slider').all()) {
          await slider.evaluate((element) => element.scrollIntoView({ block: 'end' }))
          expect([await isInView(slider), await isInView(picture().first())]).toEqual([true, true])
          // Nothing lies over it.
          const isFree = await slider.evaluate((element) => {
            const { left, top, width, height } = element.getBoundingClientRect()
            return document.elementFromPoint(left + width / 2, top + height / 2) === element
          })
          expect(isFree).toBe(true)
        }
      }
    })

    it('uses the width of a large screen to compare', async () => {
      await open('#view=compare&prompt=owl&seed=5', { viewport: { width: 1920, height: 1080 } })
      await isReady()
      const { width, y, height } = (await page.locator('.pair').boundingBox())!
      expect(width).toBeGreaterThan(1200)
      expect(y + height).toBeLessThan(1080)
    })
  },
)
