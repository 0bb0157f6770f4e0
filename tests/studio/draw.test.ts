import { expect, it } from 'vitest'
import { DEFAULT_STRENGTH } from '../../packages/core/src/pipeline/index.js'
import { describeInBrowser } from '../web/describe.js'
import { changed, drawingOn, openStudio, pixelsOf, rgba } from './testing.js'

describeInBrowser('drawing in the studio', () => {
  const studio = openStudio()
  const { open, page, goTo } = studio
  const { settled, mouse, brush, result, easel, choose, press, isPainted, colourAt, open16 } = drawingOn(page)
  const RED = [224, 49, 49]
  const WHITE = [255, 255, 255]

  it('makes pictures of strokes as they are drawn, and lets them be undone', async () => {
    await open('#view=draw&prompt=red+apple&seed=5')
    await isPainted()
    const empty = await pixelsOf(result())
    await page().getByLabel('Brush size').fill('30')
    await brush([
      [0.4, 0.5],
      [0.6, 0.6],
      [0.4, 0.6],
    ])
    const drawn = await changed(result(), empty)
    const mean = (pixels: readonly number[], channel: number) =>
      pixels.reduce((sum, value, i) => sum + (i % 4 === channel ? value : 0), 0) / (pixels.length / 4)
    expect(mean(drawn, 0) - mean(drawn, 1)).toBeGreaterThan(30)
    const whole = await settled()
    // It is still there after a look at another view.
    for (const name of ['Paint', 'Draw']) await goTo(name)
    await expect.poll(() => pixelsOf(result())).toEqual(whole)
    // What was done last is undone first, wherever it was done.
    await choose('Inpaint (mask)')
    await brush([
      [0.2, 0.2],
      [0.3, 0.2],
    ])
    await choose('Image to image')
    await press('Undo')
    await expect.poll(() => pixelsOf(result())).toEqual(whole)
    await press('Undo')
    await expect.poll(() => pixelsOf(result())).toEqual(empty)
    expect(studio.complaints).toEqual([])
  })

  it('begins with the strength that keeps colours and shapes, and says so', async () => {
    await open('#view=draw&prompt=red+apple&seed=5')
    const slider = page().getByRole('slider', { name: 'Strength' })
    expect(Number(await slider.inputValue())).toBe(DEFAULT_STRENGTH)
    const hint = await page().getByText('Little keeps your strokes').textContent()
    expect(hint).toContain(`${100 * DEFAULT_STRENGTH} % keeps colours and shapes`)
  })

  it('undoes a line that the keyboard drew as one', async () => {
    await open('#view=draw&prompt=red+apple&seed=5')
    await page()
      .getByTestId('drawn')
      .filter({ hasText: /ms in \d steps$/ })
      .waitFor()
    const drawn = () => easel().evaluate((one) => (one as HTMLCanvasElement).toDataURL())
    await easel().press('ArrowLeft')
    const empty = await drawn()
    for (let i = 0; i < 60; i++) await easel().press(i % 24 < 12 ? 'Shift+ArrowRight' : 'Shift+ArrowLeft')
    expect(await drawn()).not.toBe(empty)
    // The key was let go between any two of them: each is a line.
    await page().keyboard.down('Shift')
    for (let i = 0; i < 24; i++) await page().keyboard.press(i < 12 ? 'ArrowDown' : 'ArrowUp')
    await page().keyboard.up('Shift')
    const undo = page().getByRole('button', { name: 'Undo' })
    await undo.click()
    for (let i = 0; i < 49; i++) await undo.click()
    expect(await undo.isDisabled()).toBe(true)
  })

  it('fills by keyboard where the arrows have led, and draws nothing on the way', async () => {
    await open('#view=draw&prompt=red+apple&seed=5', {})
    await isPainted()
    const halves = Buffer.from(Array.from({ length: 768 }, (_, i) => (Math.floor(i / 3) % 16 < 8 ? 0 : 255)))
    await open16(halves)
    await expect.poll(() => pixelsOf(easel())).toEqual(rgba(halves))
    await easel().press('f')
    await page().keyboard.down('Shift')
    for (let i = 0; i < 4; i++) await page().keyboard.press('ArrowLeft')
    await page().keyboard.up('Shift')
    expect(await pixelsOf(easel())).toEqual(rgba(halves))
    await page().keyboard.press('Space')
    expect([await colourAt(0, 0), await colourAt(7, 15), await colourAt(8, 8)]).toEqual([RED, RED, WHITE])
    // It ends a line that the brush began: what the brush draws next is another one.
    await easel().press('b')
    await choose('green')
    await easel().focus()
    const type = async (keys: string) => {
      for (const key of keys.split(' ')) await page().keyboard.press(key)
    }
    await page().keyboard.down('Shift')
    await type('ArrowDown ArrowDown')
    const lined = await pixelsOf(easel())
    const beside = await colourAt(5, 9)
    await type('F ArrowLeft ArrowLeft ArrowLeft ArrowLeft')
    expect(await pixelsOf(easel())).toEqual(lined)
    await type('B ArrowDown')
    await page().keyboard.up('Shift')
    expect(await pixelsOf(easel())).not.toEqual(lined)
    expect(await colourAt(5, 9)).toEqual(beside)
    await type('Control+z')
    expect(await pixelsOf(easel())).toEqual(lined)
    await type('f Space')
    expect(await colourAt(0, 0)).toEqual([0x2f, 0x9e, 0x44])
    await type('Control+z')
    expect(await pixelsOf(easel())).toEqual(lined)
    await type('Control+z')
    expect(await pixelsOf(easel())).not.toEqual(lined)
    expect([await colourAt(0, 0), await colourAt(6, 9)]).toEqual([RED, RED])
    await page().keyboard.press('Control+z')
    expect(await pixelsOf(easel())).toEqual(rgba(halves))
    expect(studio.complaints).toEqual([])
  })

  it('takes away one stroke with an undo, also in the middle of it', async () => {
    await open('#view=draw&prompt=red+apple&seed=5', {})
    await isPainted()
    const empty = await pixelsOf(easel())
    await brush([
      [0.2, 0.2],
      [0.8, 0.2],
    ])
    const first = await pixelsOf(easel())
    const move = await mouse()
    await move(0.2, 0.6)
    await page().mouse.down()
    await move(0.5, 0.6)
    const half = await changed(easel(), first)
    await page().keyboard.press('Control+z')
    await expect.poll(() => pixelsOf(easel())).toEqual(first)
    // The button is still down, and what it does now is of no stroke.
    await move(0.8, 0.8)
    await page().mouse.up()
    expect(await pixelsOf(easel())).toEqual(first)
    await page().keyboard.press('Control+y')
    expect(await pixelsOf(easel())).toEqual(half)
    // A stroke that was taken away and brought back while it is drawn goes on, and is one.
    await move(0.2, 0.9)
    await page().mouse.down()
    await move(0.4, 0.9)
    const begun = await changed(easel(), half)
    await page().keyboard.press('Control+z')
    await page().keyboard.press('Control+y')
    await move(0.8, 0.9)
    await page().mouse.up()
    await changed(easel(), begun)
    for (const before of [half, first, empty]) {
      await page().keyboard.press('Control+z')
      expect(await pixelsOf(easel())).toEqual(before)
    }
    expect(await page().getByRole('button', { name: 'Undo', exact: true }).isDisabled()).toBe(true)
    // A line of the keyboard's, undone by the button while Shift is down: the next arrow begins another.
    await easel().focus()
    await page().keyboard.down('Shift')
    for (let i = 0; i < 3; i++) await page().keyboard.press('ArrowRight')
    expect(await pixelsOf(easel())).not.toEqual(empty)
    await press('Undo')
    expect(await pixelsOf(easel())).toEqual(empty)
    await easel().focus()
    for (let i = 0; i < 3; i++) await page().keyboard.press('ArrowDown')
    await page().keyboard.up('Shift')
    expect(await pixelsOf(easel())).not.toEqual(empty)
    await press('Undo')
    expect(await pixelsOf(easel())).toEqual(empty)
    expect(studio.complaints).toEqual([])
  })

  it('draws a stroke to its end with the tool and the colour that it began with', async () => {
    await open('#view=draw&prompt=red+apple&seed=5', {})
    await isPainted()
    await page().getByLabel('Brush size').fill('14')
    await easel().focus()
    const move = await mouse(6)
    await move(0.1, 0.53)
    await page().mouse.down()
    await move(0.4, 0.53)
    await page().keyboard.press('e')
    await page().getByLabel('Eraser').waitFor()
    await move(0.9, 0.53)
    await page().mouse.up()
    expect([await colourAt(3, 8), await colourAt(12, 8)]).toEqual([RED, RED])
    // The eraser is the next stroke's.
    await brush([
      [0.1, 0.53],
      [0.4, 0.53],
    ])
    expect([await colourAt(3, 8), await colourAt(12, 8)]).toEqual([WHITE, RED])
    // Nor is it recoloured.
    await choose('Brush')
    await move(0.1, 0.22)
    await page().mouse.down()
    await move(0.4, 0.22)
    await page().evaluate(() => {
      const field = document.querySelector<HTMLInputElement>('input[type=color]')!
      field.value = '#1c7ed6'
      field.dispatchEvent(new Event('input', { bubbles: true }))
    })
    await move(0.9, 0.22)
    await page().mouse.up()
    expect([await colourAt(3, 3), await colourAt(12, 3)]).toEqual([RED, RED])
    // On the keyboard, another tool begins another line.
    await easel().focus()
    await page().keyboard.down('Shift')
    for (const key of ['ArrowDown', 'ArrowDown', 'E', 'ArrowRight', 'ArrowRight'])
      await page().keyboard.press(key)
    const erased = await pixelsOf(easel())
    await page().keyboard.up('Shift')
    await page().keyboard.press('Control+z')
    expect(await pixelsOf(easel())).not.toEqual(erased)
    expect(await colourAt(8, 8)).toEqual([0x1c, 0x7e, 0xd6])
    expect(studio.complaints).toEqual([])
  })

  it('hides no button behind the result on a phone, and speaks of no keys there', async () => {
    const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }
    await open('#view=draw&prompt=red+apple&seed=5', phone)
    await isPainted()
    const buttons = page().locator('.draw figure button')
    expect(await buttons.count()).toBe(6)
    /** Whether each button can be pressed at its top and at its bottom, as far as the screen reaches. */
    const free = () =>
      buttons.evaluateAll((all) =>
        all.map((button) => {
          const { left, top, width, bottom } = button.getBoundingClientRect()
          const found = [top + 3, bottom - 3].map((at) => document.elementFromPoint(left + width / 2, at))
          return `${button.textContent}: ${found.every((one) => one === button || one === null)} ${bottom <= innerHeight}`
        }),
      )
    expect(await free()).toEqual(
      ['Undo', 'Redo', 'Open a picture', 'New drawing', 'Use as input', 'Save PNG'].map(
        (name) => `${name}: true true`,
      ),
    )
    /** Whether what is said of keys is shown. */
    const keys = () =>
      page()
        .locator('.draw .keys')
        .evaluateAll((all) => all.map((one) => one.checkVisibility()))
    expect(await keys()).toEqual([false, false])
    await open('#view=draw&prompt=red+apple&seed=5', { viewport: { width: 390, height: 844 } })
    await isPainted()
    expect(await keys()).toEqual([true, true])
    await page().getByText('or open, drop or paste (Ctrl+V) a picture').waitFor()
  })

  it('draws with one finger at a time: a second one, or the palm, does not', async () => {
    await open('#view=draw&prompt=red+apple&seed=5', {
      hasTouch: true,
      viewport: { width: 390, height: 844 },
    })
    await easel().scrollIntoViewIfNeeded()
    await isPainted()
    const { x, y, width, height } = (await easel().boundingBox())!
    const at = (right: number, down: number, id: number) => ({
      x: x + right * width,
      y: y + down * height,
      id,
    })
    const touches = await page().context().newCDPSession(page())
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', ...touchPoints: ReturnType<typeof at>[]) =>
      touches.send('Input.dispatchTouchEvent', { type, touchPoints })
    const colourAt = (right: number, down: number) =>
      easel().evaluate(
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
    await press('Undo')
    await expect.poll(() => drawn(0.25, 0.7)).toBe(false)
    expect(studio.complaints).toEqual([])
  })

  it('has brush, eraser and fill, and undoes and redoes by button and key', async () => {
    await open('#view=draw&prompt=red+apple&seed=5', {})
    await isPainted()
    await page().getByLabel('Brush size').fill('30')
    await choose('Fill')
    await brush([[0.5, 0.5]])
    expect(await colourAt(0, 0)).toEqual(RED)
    await choose('blue')
    await choose('Brush')
    await brush([[0.5, 0.5]])
    const dotted = await pixelsOf(easel())
    expect(await colourAt(8, 8)).toEqual([0x1c, 0x7e, 0xd6])
    expect(await colourAt(0, 0)).toEqual(RED)
    // A fill ends where the colour does.
    await easel().press('f')
    await choose('green')
    await brush([[0.1, 0.1]])
    expect(await colourAt(15, 15)).toEqual([0x2f, 0x9e, 0x44])
    expect(await colourAt(8, 8)).toEqual([0x1c, 0x7e, 0xd6])
    await easel().press('e')
    expect(await page().getByLabel('Eraser').isChecked()).toBe(true)
    await brush([[0.5, 0.5]])
    const erased = await pixelsOf(easel())
    expect(await colourAt(8, 8)).toEqual(WHITE)
    const [undo, redo] = ['Undo', 'Redo'].map((name) => page().getByRole('button', { name, exact: true }))
    expect(await undo!.getAttribute('title')).toContain('Ctrl+Z')
    expect(await redo!.getAttribute('title')).toContain('Ctrl+Y')
    await page().keyboard.press('Control+z')
    await page().keyboard.press('Control+z')
    expect(await pixelsOf(easel())).toEqual(dotted)
    await page().keyboard.press('Control+Shift+Z')
    await page().keyboard.press('Control+y')
    expect(await pixelsOf(easel())).toEqual(erased)
    expect(await redo!.isDisabled()).toBe(true)
    await undo!.click()
    await redo!.click()
    expect(await pixelsOf(easel())).toEqual(erased)
    // Where one writes, letters are letters, and what is undone is the writing.
    await page().getByLabel('Prompt').press('b')
    await page().getByLabel('Prompt').press('Control+z')
    expect(await pixelsOf(easel())).toEqual(erased)
    expect(await page().getByLabel('Eraser').isChecked()).toBe(true)
    // What is drawn after an undo is the way on.
    await undo!.click()
    await brush([[0.2, 0.2]])
    expect(await redo!.isDisabled()).toBe(true)
    expect(studio.complaints).toEqual([])
  })
})
