/** The studio's drawing view in a real browser, with the shipped model. */
import type { Locator, Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { browserLacks } from '../web/browser.js'
import { changed, pixelsOf, Studio } from './testing.js'

describe.skipIf(browserLacks !== undefined)(
  `drawing in the studio${browserLacks ? `: ${browserLacks}` : ''}`,
  () => {
    let studio: Studio
    let page: Page
    const open = async (...options: Parameters<Studio['visit']>) => {
      page = await studio.visit(...options)
    }

    beforeAll(async () => {
      studio = await Studio.open()
    })
    afterAll(() => studio?.close())
    afterEach(() => studio.leave())

    /** Waits until a picture stays as it is. */
    const settled = async (canvas: Locator) => {
      let last: number[] = []
      await expect
        .poll(
          async () => {
            const before = last
            last = await pixelsOf(canvas)
            return last.join() === before.join()
          },
          { interval: 400 },
        )
        .toBe(true)
      return last
    }

    /** Presses, moves along and lets go, in shares of the easel. */
    const brush = async (points: readonly (readonly [number, number])[]) => {
      const easel = page.locator('.easel')
      await easel.scrollIntoViewIfNeeded()
      const { x, y, width, height } = (await easel.boundingBox())!
      for (const [i, [right, down]] of points.entries()) {
        await page.mouse.move(x + right * width, y + down * height, { steps: 4 })
        if (i === 0) await page.mouse.down()
      }
      await page.mouse.up()
    }
    const result = () => page.locator('.draw .picture')

    it('makes pictures of strokes as they are drawn, and lets them be undone', async () => {
      await open('#view=draw&prompt=red+apple&seed=5')
      await page.getByTestId('drawn').filter({ hasText: 'ms' }).waitFor()
      const empty = await pixelsOf(result())
      await page.getByLabel('Size').fill('110')
      await brush([
        [0.4, 0.5],
        [0.6, 0.6],
        [0.4, 0.6],
      ])
      const drawn = await changed(result(), empty)
      const mean = (pixels: readonly number[], channel: number) =>
        pixels.reduce((sum, value, i) => sum + (i % 4 === channel ? value : 0), 0) / (pixels.length / 4)
      expect(mean(drawn, 0) - mean(drawn, 1)).toBeGreaterThan(30)
      const whole = await settled(result())
      // It is still there after a look at another view.
      for (const name of ['Paint', 'Draw'])
        await page.getByRole('navigation').getByRole('button', { name }).click()
      await expect.poll(() => pixelsOf(result())).toEqual(whole)
      // What was done last is undone first, wherever it was done.
      await page.getByLabel('Paint anew').check({ force: true })
      await brush([
        [0.2, 0.2],
        [0.3, 0.2],
      ])
      await page.getByLabel('Draw', { exact: true }).check({ force: true })
      await page.getByRole('button', { name: 'Undo' }).click()
      await expect.poll(() => pixelsOf(result())).toEqual(whole)
      await page.getByRole('button', { name: 'Undo' }).click()
      await expect.poll(() => pixelsOf(result())).toEqual(empty)
      expect(studio.complaints).toEqual([])
    })

    it('undoes a line that the keyboard drew as one', async () => {
      await open('#view=draw&prompt=red+apple&seed=5')
      await page
        .getByTestId('drawn')
        .filter({ hasText: /ms in \d steps$/ })
        .waitFor()
      const easel = page.locator('.easel')
      const drawn = () => easel.evaluate((one) => (one as HTMLCanvasElement).toDataURL())
      await easel.press('ArrowLeft')
      const empty = await drawn()
      for (let i = 0; i < 24; i++) await easel.press(i < 12 ? 'Shift+ArrowRight' : 'Shift+ArrowLeft')
      expect(await drawn()).not.toBe(empty)
      // The key was let go between any two of them: each is a line.
      await page.keyboard.down('Shift')
      for (let i = 0; i < 24; i++) await page.keyboard.press(i < 12 ? 'ArrowDown' : 'ArrowUp')
      await page.keyboard.up('Shift')
      const undo = page.getByRole('button', { name: 'Undo' })
      await undo.click()
      for (let i = 0; i < 19; i++) await undo.click()
      expect(await undo.isDisabled()).toBe(true)
    })

    it('opens a picture, paints anew what is covered, and keeps the rest', async () => {
      await open('#view=draw&prompt=cat+face&seed=5')
      await page.locator('.easel').waitFor()
      // Three times as wide as high: its middle is taken, as for training.
      const blue = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#3366cc' } })
        .extend({ left: 64, right: 64, background: '#ff0000' })
        .png()
        .toBuffer()
      await page
        .locator('input[type=file]')
        .setInputFiles({ name: 'blue.png', mimeType: 'image/png', buffer: blue })
      await page.getByLabel('Paint anew').check({ force: true })
      await expect
        .poll(async () => (await pixelsOf(result())).slice(0, 3))
        .toEqual([0x33, 0x66, 0xcc].map((value) => expect.closeTo(value, -0.5)))
      const before = await pixelsOf(result())
      await brush([
        [0.2, 0.75],
        [0.8, 0.75],
      ])
      const after = await changed(result(), before)
      const row = (pixels: readonly number[], y: number) => pixels.slice(y * 64, (y + 1) * 64)
      for (const y of [0, 4, 8]) expect(row(after, y)).toEqual(row(before, y))
      expect(row(after, 12)).not.toEqual(row(before, 12))
      // Dropped beside the easel, it does not take the page's place.
      const taken = await page.evaluate(() => dispatchEvent(new DragEvent('drop', { cancelable: true })))
      expect(taken).toBe(false)
      const broken = { name: 'no.png', mimeType: 'image/png', buffer: Buffer.from('not a picture') }
      await page.locator('input[type=file]').setInputFiles(broken)
      const refusal = page.getByText('no.png is no picture that this browser can read')
      await refusal.waitFor()
      // What is painted meanwhile does not take it away; what is drawn next does.
      await page.getByLabel('Seed', { exact: true }).fill('6')
      await changed(result(), after)
      expect(await refusal.isVisible()).toBe(true)
      await brush([[0.5, 0.5]])
      await refusal.waitFor({ state: 'hidden' })
    })

    it('draws with one finger at a time: a second one, or the palm, does not', async () => {
      await open('#view=draw&prompt=red+apple&seed=5', {
        hasTouch: true,
        viewport: { width: 390, height: 844 },
      })
      const easel = page.locator('.easel')
      await easel.scrollIntoViewIfNeeded()
      await page.getByTestId('drawn').filter({ hasText: 'ms' }).waitFor()
      const { x, y, width, height } = (await easel.boundingBox())!
      const at = (right: number, down: number, id: number) => ({
        x: x + right * width,
        y: y + down * height,
        id,
      })
      const touches = await page.context().newCDPSession(page)
      const touch = (
        type: 'touchStart' | 'touchMove' | 'touchEnd',
        ...touchPoints: ReturnType<typeof at>[]
      ) => touches.send('Input.dispatchTouchEvent', { type, touchPoints })
      const colourAt = (right: number, down: number) =>
        easel.evaluate(
          (element, [right, down]) => {
            const { width, height } = element as HTMLCanvasElement
            const context = (element as HTMLCanvasElement).getContext('2d')!
            return context.getImageData(right! * width, down! * height, 1, 1).data.join()
          },
          [right, down],
        )
      const blank = await colourAt(0.75, 0.75)
      /** Whether there is something at this place of the easel. */
      const drawn = async (right: number, down: number) => (await colourAt(right, down)) !== blank
      await touch('touchStart', at(0.25, 0.25, 0))
      await touch('touchStart', at(0.25, 0.25, 0), at(0.75, 0.75, 1))
      await touch('touchMove', at(0.25, 0.5, 0), at(0.75, 0.6, 1))
      await touch('touchMove', at(0.25, 0.75, 0), at(0.75, 0.5, 1))
      await touch('touchEnd')
      await expect.poll(() => drawn(0.25, 0.7)).toBe(true)
      expect(await drawn(0.25, 0.3)).toBe(true)
      for (const down of [0.5, 0.6, 0.75]) expect(await drawn(0.75, down)).toBe(false)
      await page.getByRole('button', { name: 'Undo' }).click()
      await expect.poll(() => drawn(0.25, 0.7)).toBe(false)
      expect(studio.complaints).toEqual([])
    })
  },
)
