/** The studio with models whose pictures are no squares. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Locator } from 'playwright-core'
import sharp from 'sharp'
import { expect, it } from 'vitest'
import { untrained } from '../../packages/onestroke/src/model/testing.js'
import { succeeds, writeFiles } from '../cli/testing.js'
import { describeInBrowser } from '../web/describe.js'
import { openStudio, pixelsOf } from './testing.js'

const [HEIGHT, WIDTH] = [24, 48]
const TALL = { height: 96, width: 64 }

/** The models: one with a teacher, and a tall one. */
const models: string[] = []

/** Writes the models, and makes a short training on pictures that are no squares. */
const prepare = async (work: string) => {
  const size = { height: HEIGHT, width: WIDTH }
  const { sha256: parent } = await untrained(work, size, { kind: 'teacher' })
  for (const { path } of [await untrained(work, size, { parent }), await untrained(work, TALL)])
    models.push(path)
  const picture = (colour: string) =>
    sharp({ create: { width: 60, height: 40, channels: 3, background: colour } })
      .png()
      .toBuffer()
  await writeFiles(join(work, 'pictures'), { 'a.png': await picture('red'), 'b.png': await picture('blue') })
  await succeeds([
    'train',
    join(work, 'pictures'),
    '--resolution',
    `${WIDTH}x${HEIGHT}`,
    '--preset',
    'tiny',
    '--batch',
    '4',
    '--images',
    '16',
    '--out',
    join(work, 'runs/wide'),
  ])
}

describeInBrowser('rectangles in the studio', () => {
  const studio = openStudio(prepare, models)
  const { open, page } = studio

  /** Width by height of what is shown, without the line around it. */
  const ratio = (of: Locator) => of.evaluate(({ clientWidth, clientHeight }) => clientWidth / clientHeight)
  const sizeOf = (canvas: Locator) =>
    canvas.evaluate((element) => [
      (element as HTMLCanvasElement).width,
      (element as HTMLCanvasElement).height,
    ])
  const saved = async (button: string) => {
    const download = page().waitForEvent('download', { timeout: 100_000 })
    await page().getByRole('button', { name: button, exact: true }).click()
    return sharp(await readFile(await (await download).path())).metadata()
  }
  /** Nothing is wider than the page, and the picture is seen whole. */
  const fits = async (picture: Locator) => {
    const { width, height } = page().viewportSize()!
    expect(await page().evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
    expect((await picture.boundingBox())!.height).toBeLessThan(height)
  }

  it('are painted, saved, and varied in their proportions', async () => {
    await open('#model=student-48x24&prompt=cat&seed=3')
    await studio.painted()
    const picture = studio.picture()
    expect(await sizeOf(picture)).toEqual([WIDTH, HEIGHT])
    expect(await ratio(picture)).toBeCloseTo(2, 1)
    await fits(picture)
    expect(await saved('Save PNG')).toMatchObject({ width: 16 * WIDTH, height: 16 * HEIGHT })
    // What nobody trained paints noise, of which smooth enlargement would make more colours than a palette is quickly found for.
    await page().getByLabel('Show pixels as squares').check({ force: true })
    await page().getByText('Interpolate to another picture').click()
    await page().getByLabel('Mix').fill('0.5')
    expect(await saved('Save strip')).toMatchObject({ width: 8 * 5 * WIDTH, height: 5 * HEIGHT })
    expect(await saved('Save GIF')).toMatchObject({ width: 5 * WIDTH, height: 5 * HEIGHT })
    await page().getByRole('button', { name: 'Variations' }).click()
    const tile = page().locator('.tile .picture').last()
    await tile.waitFor()
    expect(await ratio(tile)).toBeCloseTo(2, 1)
    expect(await saved('Save sprite sheet')).toMatchObject({ width: 6 * WIDTH, height: 2 * HEIGHT })
    await page().locator('.past .picture').first().waitFor()
    expect(await ratio(page().locator('.past .picture').first())).toBeCloseTo(2, 0)
    expect(studio.complaints).toEqual([])
  })

  it('stand side by side, with the teacher’s strokes below', async () => {
    await open('#view=compare&model=student-48x24&prompt=dog&seed=3')
    await page().getByText('faster here').waitFor()
    for (const picture of await page().locator('.pair .picture').all()) {
      expect(await sizeOf(picture)).toEqual([WIDTH, HEIGHT])
      expect(await ratio(picture)).toBeCloseTo(2, 1)
    }
    expect(await ratio(page().locator('.film .picture').first())).toBeCloseTo(2, 0)
    expect(studio.complaints).toEqual([])
  })

  it.each([
    ['wide', 'student-48x24', 2],
    ['high', 'student-64x96', 2 / 3],
  ] as const)('that are %s are drawn on, filled, masked and opened', async (_, model, shape) => {
    await open(`#view=draw&model=${model}&prompt=cat&seed=3`, {})
    await page().getByTestId('drawn').filter({ hasText: 'ms' }).waitFor()
    const easel = page().locator('.easel')
    const [width, height] = (await sizeOf(easel)) as [number, number]
    expect(width / height).toBeCloseTo(shape, 5)
    expect(await ratio(easel)).toBeCloseTo(shape, 1)
    expect(await ratio(page().locator('.draw .picture'))).toBeCloseTo(shape, 1)
    await fits(easel)
    const colourAt = async (x: number, y: number) =>
      (await pixelsOf(easel)).slice(4 * (y * width + x), 4 * (y * width + x) + 3)
    const press = async (right: number, down: number) => {
      const box = (await easel.boundingBox())!
      await page().mouse.click(box.x + right * box.width, box.y + down * box.height)
    }
    // A dot lands where it is set down, near the lower right corner.
    await press(0.9, 0.9)
    expect(await colourAt(Math.floor(0.9 * width), Math.floor(0.9 * height))).toEqual([224, 49, 49])
    expect(await colourAt(Math.floor(0.1 * width), Math.floor(0.9 * height))).toEqual([255, 255, 255])
    // A picture twice as large, red at the left and blue at the right, with more above and below than is shown.
    const half = sharp({ create: { width, height: 2 * height + 8, channels: 3, background: '#ff0000' } })
    const buffer = await half.extend({ right: width, background: '#0000ff' }).png().toBuffer()
    await page()
      .locator('input[type=file]')
      .setInputFiles({ name: 'halves.png', mimeType: 'image/png', buffer })
    await expect.poll(() => colourAt(0, 0)).toEqual([255, 0, 0])
    expect(await colourAt(width / 2 - 1, height - 1)).toEqual([255, 0, 0])
    expect(await colourAt(width - 1, 0)).toEqual([0, 0, 255])
    await page().getByLabel('Inpaint (mask)', { exact: true }).check({ force: true })
    await press(0.75, 0.5)
    await page().locator('.result[aria-busy="false"]').waitFor()
    const result = page().locator('.draw .picture')
    await expect.poll(async () => (await pixelsOf(result)).slice(0, 3)).toEqual([255, 0, 0])
    expect(studio.complaints).toEqual([])
  })

  it('fit on a phone', async () => {
    for (const model of ['student-48x24', 'student-64x96']) {
      await open(`#model=${model}&prompt=cat&seed=3`, { viewport: { width: 390, height: 844 } })
      await studio.painted()
      await fits(page().locator('.paint .shown .picture'))
      await open(`#view=draw&model=${model}&prompt=cat&seed=3`, { viewport: { width: 390, height: 844 } })
      await page().getByTestId('drawn').filter({ hasText: 'ms' }).waitFor()
      await fits(page().locator('.easel'))
    }
    expect(studio.complaints).toEqual([])
  })

  it('are seen as they train', async () => {
    await open('#view=train&run=wide')
    const samples = page().locator('.samples img')
    await samples.waitFor()
    await expect
      .poll(() => samples.evaluate((image) => (image as HTMLImageElement).naturalWidth))
      .toBeGreaterThan(0)
    // Eight columns and two rows.
    expect(await ratio(samples)).toBeGreaterThan(6)
    expect(studio.complaints).toEqual([])
  })
})
