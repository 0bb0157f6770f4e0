import sharp from 'sharp'
import { expect, it } from 'vitest'
import { describeInBrowser } from '../web/describe.js'
import { changed, drawingOn, noise, openStudio, pixelsOf, rgba } from './testing.js'

describeInBrowser('pictures in the drawing view', () => {
  const studio = openStudio()
  const { open, page, goTo } = studio
  const { brush, result, easel, choose, press, isPainted, mask, masked, colourAt, open16 } = drawingOn(page)

  it('opens a picture that was enlarged from the model’s size with the pixels that it had before', async () => {
    await open('#view=draw&prompt=red+apple&seed=5')
    await isPainted()
    const large = await sharp(noise, { raw: { width: 16, height: 16, channels: 3 } })
      .resize(256, 256, { kernel: 'nearest' })
      .png()
      .toBuffer()
    await page()
      .locator('input[type=file]')
      .setInputFiles({ name: '256.png', mimeType: 'image/png', buffer: large })
    await expect.poll(() => pixelsOf(easel())).toEqual(rgba(noise))
  })

  it('opens a picture, paints anew what is covered, and keeps the rest', async () => {
    await open('#view=draw&prompt=cat+face&seed=5')
    await easel().waitFor()
    // Three times as wide as high: its middle is taken, as for training.
    const blue = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#3366cc' } })
      .extend({ left: 64, right: 64, background: '#ff0000' })
      .png()
      .toBuffer()
    await page()
      .locator('input[type=file]')
      .setInputFiles({ name: 'blue.png', mimeType: 'image/png', buffer: blue })
    await choose('Inpaint (mask)')
    await expect.poll(async () => (await pixelsOf(result())).slice(0, 3)).toEqual([0x33, 0x66, 0xcc])
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
    const taken = await page().evaluate(() => dispatchEvent(new DragEvent('drop', { cancelable: true })))
    expect(taken).toBe(false)
    const broken = { name: 'no.png', mimeType: 'image/png', buffer: Buffer.from('not a picture') }
    await page().locator('input[type=file]').setInputFiles(broken)
    const refusal = page().getByText('no.png is no picture that this browser can read')
    await refusal.waitFor()
    // What is painted meanwhile does not take it away; what is drawn next does.
    await page().getByLabel('Seed', { exact: true }).fill('6')
    await changed(result(), after)
    expect(await refusal.isVisible()).toBe(true)
    await brush([[0.5, 0.5]])
    await refusal.waitFor({ state: 'hidden' })
  })

  it('changes nothing outside of the mask, to the byte, through eight rounds', async () => {
    await open('#view=draw&prompt=cat+face&seed=5', {})
    await easel().waitFor()
    await open16(noise)
    await expect.poll(() => pixelsOf(easel())).toEqual(rgba(noise))
    await choose('Inpaint (mask)')
    await page().getByLabel('Brush size').fill('12')
    const everMasked = Array<boolean>(256).fill(false)
    const original = rgba(noise)
    const keptOf = (pixels: readonly number[]) => pixels.filter((_, i) => !everMasked[Math.floor(i / 4)])
    for (let round = 0; round < 8; round++) {
      const before = await pixelsOf(easel())
      await expect.poll(() => pixelsOf(result())).toEqual(before)
      const down = 0.1 + 0.08 * round
      await brush([
        [0.15, down],
        [0.15 + 0.08 * round, down],
      ])
      for (const [i, covered] of (await mask()).entries()) everMasked[i] ||= covered
      const after = await changed(result(), before)
      expect(keptOf(after)).toEqual(keptOf(original))
      await press('Use as input')
      await expect.poll(masked).toBe(0)
      expect(keptOf(await pixelsOf(easel()))).toEqual(keptOf(original))
      // Neither another view nor another size of the page is in the way of it.
      if (round === 3) {
        await page().setViewportSize({ width: 700, height: 900 })
        for (const name of ['Paint', 'Draw']) await goTo(name)
      }
    }
    expect(everMasked.filter(Boolean).length).toBeGreaterThan(40)
    expect(keptOf(original).length).toBeGreaterThan(4 * 100)
    expect(await pixelsOf(easel())).not.toEqual(original)
    expect(studio.complaints).toEqual([])
  })

  it('masks with brush and eraser, inverts the mask and clears it', async () => {
    await open('#view=draw&prompt=red+apple&seed=5', {})
    await isPainted()
    await choose('Inpaint (mask)')
    const line = [
      [0.2, 0.3],
      [0.7, 0.6],
    ] as const
    await brush(line)
    const count = await masked()
    expect(count).toBeGreaterThan(8)
    await press('Invert mask')
    expect(await masked()).toBe(256 - count)
    await easel().press('i')
    expect(await masked()).toBe(count)
    // The eraser takes the whole line, and leaves no rim of it.
    await choose('Eraser')
    await brush(line)
    expect(await masked()).toBe(0)
    await page().keyboard.press('Control+z')
    expect(await masked()).toBe(count)
    await press('Clear mask')
    expect(await masked()).toBe(0)
    expect(await page().getByRole('button', { name: 'Clear mask' }).isDisabled()).toBe(true)
    await press('Undo')
    expect(await masked()).toBe(count)
    await press('Redo')
    expect(await masked()).toBe(0)
    // The smallest brush masks something wherever it is set down.
    await choose('Brush')
    await page().getByLabel('Brush size').fill('1')
    await brush([[0.5, 0.5]])
    expect(await masked()).toBeGreaterThan(0)
    expect(studio.complaints).toEqual([])
  })

  it('keeps drawing and mask when it is loaded again, until a new drawing is begun', async () => {
    await open('#view=draw&prompt=red+apple&seed=5', {})
    await easel().waitFor()
    await open16(noise)
    await choose('Inpaint (mask)')
    await brush([
      [0.2, 0.3],
      [0.7, 0.6],
    ])
    const [drawn, covered] = [await pixelsOf(easel()), await mask()]
    expect(drawn).toEqual(rgba(noise))
    await page().reload()
    await easel().waitFor()
    await expect.poll(() => pixelsOf(easel())).toEqual(drawn)
    expect(await mask()).toEqual(covered)
    // A new tab begins with it, and what is drawn there stays there.
    const second = await page().context().newPage()
    const tab = drawingOn(() => second)
    await second.goto(page().url())
    await tab.easel().waitFor()
    await expect.poll(() => pixelsOf(tab.easel())).toEqual(drawn)
    await tab.press('Clear mask')
    await second.close()
    await page().reload()
    await easel().waitFor()
    await expect.poll(mask).toEqual(covered)
    await press('New drawing')
    await page().reload()
    await easel().waitFor()
    const white = Array<number>(1024).fill(255)
    await expect.poll(() => pixelsOf(easel())).toEqual(white)
    expect(await masked()).toBe(0)
    expect(studio.complaints).toEqual([])
  })

  it('is found by its usual names, and takes what other views have painted as input', async () => {
    await open('#prompt=red+apple&seed=5', {})
    await studio.painted()
    for (const view of ['Paint', 'Compare']) {
      await goTo(view)
      const picture = page().locator('.stage .picture, .compare .picture').first()
      const button = page().getByRole('button', { name: 'Use as input' }).first()
      await expect.poll(() => button.isEnabled(), { timeout: 60_000 }).toBe(true)
      const pixels = await pixelsOf(picture)
      await button.click()
      await easel().waitFor()
      await expect.poll(() => pixelsOf(easel())).toEqual(pixels)
    }
    const text = (await page().locator('.draw').textContent())!.toLowerCase()
    for (const word of ['image to image', 'inpaint', 'mask', 'use as input']) expect(text).toContain(word)
    expect(studio.complaints).toEqual([])
  })

  it('takes a pasted picture as input, from any view', async () => {
    await open('#view=draw&prompt=red+apple&seed=5', {})
    await isPainted()
    for (const [view, colour] of [
      ['Draw', '#3366cc'],
      ['Paint', '#33cc66'],
    ] as const) {
      await goTo(view)
      await page().evaluate(async (fill) => {
        const canvas = new OffscreenCanvas(60, 40)
        const context = canvas.getContext('2d')!
        context.fillStyle = fill
        context.fillRect(0, 0, 60, 40)
        await navigator.clipboard.write([new ClipboardItem({ 'image/png': canvas.convertToBlob() })])
      }, colour)
      await page().keyboard.press('Control+v')
      await easel().waitFor()
      const rgb = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))
      await expect.poll(() => colourAt(8, 8)).toEqual(rgb)
    }
    // Text is nothing to draw, and goes where text goes.
    await page().evaluate(() => navigator.clipboard.writeText('owl'))
    await page().getByLabel('Prompt').fill('')
    await page().getByLabel('Prompt').press('Control+v')
    expect(await page().getByLabel('Prompt').inputValue()).toBe('owl')
    expect(studio.complaints).toEqual([])
  })

  it.each([
    [320, 640],
    [390, 844],
    [1280, 800],
    [1920, 1080],
  ])(
    'has picture and sliders together at %i pixels, uses the width, and nothing overflows',
    async (width, height) => {
      await open('#view=draw&prompt=red+apple&seed=5', { viewport: { width, height } })
      await isPainted()
      for (const mode of ['Image to image', 'Inpaint (mask)']) {
        await choose(mode)
        const wide = await page()
          .locator('.draw')
          .evaluate((draw) => {
            const rights = [...draw.querySelectorAll('*')].map((one) => one.getBoundingClientRect().right)
            return { content: Math.max(...rights), room: draw.getBoundingClientRect().right }
          })
        expect(wide.content).toBeLessThanOrEqual(wide.room + 0.5)
        for (const label of mode === 'Inpaint (mask)' ? ['Brush size'] : ['Brush size', 'Strength']) {
          await page().getByLabel(label).focus()
          const [slider, picture] = [
            (await page().getByLabel(label).boundingBox())!,
            (await result().boundingBox())!,
          ]
          expect(Math.min(slider.y, picture.y)).toBeGreaterThanOrEqual(0)
          expect(Math.max(slider.y + slider.height, picture.y + 100)).toBeLessThanOrEqual(height)
          // One is not behind the other.
          expect(
            slider.y >= picture.y + picture.height ||
              slider.x >= picture.x + picture.width ||
              slider.y + slider.height <= picture.y,
          ).toBe(true)
        }
      }
      const board = (await easel().boundingBox())!
      expect(board.width).toBeGreaterThan(Math.min(width * 0.3, 640))
    },
  )
})
