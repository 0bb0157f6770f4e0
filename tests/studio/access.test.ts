import axe from 'axe-core'
import { expect, it } from 'vitest'
import { describeInBrowser } from '../web/describe.js'
import { changed, LAST_STROKE, openStudio, pixelsOf, train } from './testing.js'

describeInBrowser('the studio for everybody', () => {
  const { open, page, picture, painted, goTo, compared } = openStudio(train)

  it('can be used with the keyboard alone', async () => {
    await open('#prompt=owl&seed=5')
    await painted()
    const focused = () =>
      page().evaluate(() => {
        const element = document.activeElement as HTMLElement
        return element.getAttribute('aria-label') ?? element.textContent ?? ''
      })
    const tabTo = async (wanted: RegExp) => {
      for (let i = 0; i < 40; i++) {
        await page().keyboard.press('Tab')
        if (wanted.test(await focused())) return
      }
      throw new Error(`no way to ${wanted} by Tab`)
    }
    await tabTo(/New seed/)
    const before = await pixelsOf(picture())
    await page().keyboard.press('Enter')
    await changed(picture(), before)
    await page().evaluate(() => (document.activeElement as HTMLElement).blur())
    await page().reload()
    await painted()
    await tabTo(/^Draw$/)
    await page().keyboard.press('Enter')
    await page().getByTestId('drawn').filter({ hasText: 'ms' }).waitFor()
    const result = page().locator('.draw .picture')
    const empty = await pixelsOf(result)
    await tabTo(/Your drawing/)
    for (const key of ['ArrowLeft', 'ArrowUp', ' ', 'Shift+ArrowRight', 'Shift+ArrowRight'])
      await page().keyboard.press(key)
    await changed(result, empty)
  })

  it.each([
    ['light', 'desktop'],
    ['dark', 'phone'],
  ] as const)(
    'has nothing that axe finds wrong, in %s on a %s, and nothing too wide',
    async (colorScheme, kind) => {
      const viewport = kind === 'phone' ? { width: 390, height: 844 } : { width: 1280, height: 900 }
      await open('#prompt=owl&seed=5', { colorScheme, viewport })
      await page().evaluate(axe.source)
      for (const view of ['Paint', 'Compare', 'Draw', 'Train']) {
        await page().getByRole('navigation').getByRole('button', { name: view }).click()
        await page().locator(`.stage .picture, ${LAST_STROKE}, .easel, .samples img`).first().waitFor()
        if (view === 'Paint') {
          await page().getByText('Interpolate to another picture').click()
          await page().getByRole('button', { name: 'Other seeds' }).click()
          await page().locator('.tiles li').nth(11).waitFor()
        }
        const { violations } = await page().evaluate(() => (window as never as { axe: typeof axe }).axe.run())
        expect(violations.map(({ id, nodes }) => `${view}: ${id} ${nodes[0]!.html}`)).toEqual([])
        expect(await page().evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(
          viewport.width,
        )
      }
    },
  )

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
      await page().locator('.stage .picture, .easel, .samples img').first().waitFor()
      if (view === 'Paint') await page().getByText('Interpolate to another picture').click()
      const wide = await page().evaluate(() => document.documentElement.scrollWidth)
      expect(`${view}: ${wide}`).toBe(`${view}: 320`)
      if (view !== 'Paint' && view !== 'Compare') continue
      for (const slider of await page().getByRole('slider').all()) {
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
    await compared()
    const { width, y, height } = (await page().locator('.pair').boundingBox())!
    expect(width).toBeGreaterThan(1200)
    expect(y + height).toBeLessThan(1080)
  })
})
