/** What is around the pictures of the studio: views and their history, first pictures, waiting and files. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { expect, it } from 'vitest'
import { readRecipe } from '../../packages/core/src/pipeline/index.js'
import { describeInBrowser } from '../web/describe.js'
import { changed, openStudio, pixelsOf, STUDENT, TEACHER_STEPS, trainWithReport } from './testing.js'

describeInBrowser("the studio's shell", () => {
  const studio = openStudio(trainWithReport, [STUDENT, 'models/emoji-16-student'])
  const { open, page, picture, painted, prompt, goTo, shown, compared } = studio
  const seed = () => page().getByLabel('Seed', { exact: true })
  const saved = async (button: string) => {
    const download = page().waitForEvent('download')
    await page().getByRole('button', { name: button }).click()
    const file = await download
    return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) }
  }

  it('begins with the picture that a model names, unless the link asks for one', async () => {
    await open()
    await painted()
    const { example } = JSON.parse(await readFile(join(STUDENT, 'config.json'), 'utf8'))
    expect(await prompt().inputValue()).toBe(example.prompt)
    expect(await seed().inputValue()).toBe(String(example.seed))
    await expect.poll(() => page().url()).toContain(`prompt=${example.prompt}&seed=${example.seed}`)
    // Before anything is painted, nothing is asked for.
    await open('#view=train')
    await page().getByText('Done: 100 %').waitFor()
    await page().waitForURL(/#view=train&run=first&model=emoji-16-guided$/)
    await page().reload()
    await page().getByText('Done: 100 %').waitFor()
    await goTo('Paint')
    await painted()
    expect(await prompt().inputValue()).toBe(example.prompt)
    // A link with a seed and no prompt means no prompt.
    await open('#seed=4')
    await painted()
    expect([await prompt().inputValue(), await seed().inputValue()]).toEqual(['', '4'])
    // Another address in the same tab, which asks for nothing.
    await page().evaluate(() => location.assign('#view=compare'))
    await compared()
    expect(await prompt().inputValue()).toBe(example.prompt)
    expect(studio.complaints).toEqual([])
  })

  /** Notes, frame by frame until the picture stands, what a view shows. */
  const watch = (busy: string, canvas: string) =>
    page().evaluate(
      ([busy, canvas]) => {
        const seen = { busy: 0, signs: 0, blank: 0, told: 0, done: false }
        Object.assign(window, { seen })
        const look = () => {
          const element = document.querySelector(busy!)
          const isBusy = element?.getAttribute('aria-busy') === 'true'
          if (isBusy) seen.busy++
          if (element?.querySelector('.busy')) seen.signs++
          // The time of the picture before is neither read out nor, once it has faded away, to be seen.
          const took = element?.querySelector('.took')
          const fades = took?.getAnimations().length
          if (
            isBusy &&
            took &&
            (took.ariaHidden !== 'true' || (!fades && getComputedStyle(took).opacity !== '0'))
          )
            seen.told++
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
    await page().waitForFunction(() => (window as never as { seen: { done: boolean } }).seen.done)
    return page().evaluate(
      () => (window as never as { seen: Record<'busy' | 'signs' | 'blank' | 'told', number> }).seen,
    )
  }

  it('says that it paints, from the wish to the picture', async () => {
    await open('#model=emoji-16-teacher&prompt=owl&seed=5&steps=32')
    await painted()
    const before = await pixelsOf(picture())
    expect(await page().locator('.stage').getAttribute('aria-busy')).toBe('false')
    await watch('.stage', '.stage .picture')
    await prompt().fill('pizza')
    const { busy, signs, blank, told } = await seen()
    expect([busy > 0, signs > 0, blank, told]).toEqual([true, true, 0, 0])
    expect(await pixelsOf(picture())).not.toEqual(before)
    expect(await page().locator('.busy').count()).toBe(0)
    expect(await page().locator('.took').getAttribute('aria-hidden')).toBe('false')
  })

  it('keeps the teacher’s picture, with a sign, until the next has begun', async () => {
    await open('#view=compare&prompt=owl&seed=5')
    await compared()
    const teacher = page().locator('.pair .picture').nth(1)
    const before = await pixelsOf(teacher)
    await watch('.pair figure:nth-child(2)', '.pair figure:nth-child(2) .picture')
    await prompt().fill('pizza')
    const { busy, signs, blank } = await seen()
    expect([busy > 0, signs > 0, blank]).toEqual([true, true, 0])
    await compared()
    expect(await pixelsOf(teacher)).not.toEqual(before)
    expect(await page().locator('.film li').count()).toBe(TEACHER_STEPS)
    expect(await page().locator('.film .before').count()).toBe(0)
  })

  it('moves between views with Back and Forward, and stays in one when it is loaded again', async () => {
    await open('#prompt=owl&seed=5')
    await painted()
    await page().evaluate(() => Object.assign(window, { same: true }))
    await goTo('Compare')
    await shown('Compare')
    await goTo('Draw')
    await shown('Draw')
    await prompt().fill('pizza')
    await page().goBack()
    await shown('Compare')
    expect(await page().title()).toBe('Compare · onestroke studio')
    await page().goBack()
    await shown('Paint')
    expect(await prompt().inputValue()).toBe('owl')
    await page().getByRole('button', { name: 'Use as input' }).first().click()
    await shown('Draw')
    await page().goBack()
    await shown('Paint')
    await page().goForward()
    await shown('Draw')
    expect(await page().evaluate(() => (window as never as { same?: boolean }).same)).toBe(true)
    await page().reload()
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
      await page().getByLabel('Show pixels as squares').waitFor()
      expect(await page().getByRole('slider', { name: 'Guidance' }).inputValue()).toBe('2')
      expect(await page().getByLabel('Negative prompt').inputValue()).toBe('noto')
    }
    const drawn = page().locator('.draw .picture')
    await page().getByTestId('drawn').filter({ hasText: 'ms' }).waitFor()
    const before = await pixelsOf(drawn)
    await page().getByRole('slider', { name: 'Guidance' }).fill('3')
    await changed(drawn, before)
    await page().getByRole('combobox', { name: 'Model' }).selectOption('emoji-16-student')
    await page().getByText('takes no guidance scale and no negative prompt').waitFor()
  })

  it('keeps what was painted, to be had again', async () => {
    await open('#prompt=owl&seed=5')
    await painted()
    const before = await pixelsOf(picture())
    const past = page().locator('.past .tile')
    await expect.poll(() => past.count()).toBe(1)
    await prompt().fill('pizza')
    await page().getByLabel('Steps').fill('2')
    await seed().fill('6')
    await expect.poll(() => past.count()).toBe(2)
    const second = await pixelsOf(picture())
    const first = page().getByRole('button', { name: 'owl seed 5: bring it back' })
    await first.focus()
    await page().keyboard.press('Enter')
    await expect.poll(() => pixelsOf(picture())).toEqual(before)
    expect([await prompt().inputValue(), await seed().inputValue()]).toEqual(['owl', '5'])
    expect(await page().getByLabel('Steps').inputValue()).toBe('1')
    await expect.poll(() => first.getAttribute('aria-current')).toBe('true')
    // A model is part of it.
    await page().getByRole('combobox', { name: 'Model' }).selectOption('emoji-16-student')
    await painted()
    await expect.poll(() => past.count()).toBe(3)
    await page().getByRole('button', { name: 'pizza seed 6' }).click()
    await page().waitForURL(/model=emoji-16-guided&prompt=pizza&seed=6&steps=2/)
    await painted()
    expect(await pixelsOf(picture())).toEqual(second)
    // No more than a strip.
    await page().clock.install()
    const titles = () => past.evaluateAll((all) => all.map((one) => one.getAttribute('title')).join())
    for (let i = 0; i < 24; i++) {
      const before = await titles()
      await seed().fill(String(100 + i))
      await expect
        .poll(async () => {
          await page().clock.runFor(800)
          return titles()
        })
        .not.toBe(before)
    }
    expect(await past.count()).toBe(24)
    expect(await first.count()).toBe(0)
    // What is there is not kept twice.
    const kept = await titles()
    await past.nth(5).focus()
    await page().keyboard.press('Enter')
    await expect
      .poll(async () => {
        await page().clock.runFor(100)
        return [await seed().inputValue(), await page().locator('.stage').getAttribute('aria-busy')]
      })
      .toEqual(['118', 'false'])
    await page().clock.runFor(800)
    expect(await titles()).toBe(kept)
  })

  it('keeps what was painted in its tab when the page is loaded again', async () => {
    await open('#prompt=owl&seed=5', {})
    await painted()
    const past = page().locator('.past .tile')
    await expect.poll(() => past.count()).toBe(1)
    const owl = await pixelsOf(picture())
    await prompt().fill('pizza')
    await expect.poll(() => past.count()).toBe(2)
    await page().reload()
    await painted()
    expect(await past.count()).toBe(2)
    await page().getByRole('button', { name: 'owl seed 5: bring it back' }).click()
    await expect.poll(() => pixelsOf(picture())).toEqual(owl)
    expect(await pixelsOf(past.nth(1).locator('canvas'))).toEqual(owl)
    // Another tab has its own.
    const other = await page().context().newPage()
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
    await page().getByText('Interpolate to another picture').click()
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
    await page().getByLabel('Mix').fill('1')
    await changed(picture(), before)
    for (const start of starts) expect(await far(start.clone())).toBeGreaterThan(other)
    for (const end of ends) expect(await far(end.clone())).toBeLessThan(same)
    expect((await saved('Save PNG')).name).toBe('owl-seed-9.png')
    await page().getByRole('button', { name: 'Variations' }).click()
    await page().locator('.tiles li').nth(11).waitFor()
    const sheet = await saved('Save sprite sheet')
    expect(sheet.name).toBe('owl-seed-9-variations.png')
    const recipe = readRecipe(sheet.bytes)!
    expect(recipe.to).toMatchObject({ seed: 9 })
    expect([recipe.prompts[0], recipe.seeds.length]).toEqual(['owl', 12])
    expect(studio.complaints).toEqual([])
  })
})
