/** Pictures that are no squares, on the whole way from a folder to a page. */
import { readFile, writeFile } from 'node:fs/promises'
import { toRGBA } from '@onestroke/core/pipeline'
import type { Browser, Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openPipeline } from '../packages/onestroke/src/export/index.js'
import { fails, onImages, scratch, succeeds, tiny, UNCHECKED, writeFiles } from './cli/testing.js'
import { launch, serveFolder } from './web/browser.js'
import { describeInBrowser } from './web/describe.js'

const { folder, at } = await scratch()
const inside = { cwd: folder }
const json = async (args: readonly string[]) => JSON.parse((await succeeds(args, inside)).stdout)
const [HEIGHT, WIDTH] = [8, 16]

/** A disc or a bar in a colour, at the left or the right of 96×60 pixels. */
const drawing = (colour: string, shape: string, x: number): string => {
  const drawn =
    shape === 'disc'
      ? `<circle cx="${x}" cy="30" r="14" fill="${colour}"/>`
      : `<rect x="${x - 10}" y="14" width="20" height="32" fill="${colour}"/>`
  return `<svg xmlns="http://www.w3.org/2000/svg" width="96" height="60"><rect width="96" height="60" fill="#fff"/>${drawn}</svg>`
}

beforeAll(async () => {
  const files: Record<string, Buffer | string> = {}
  for (let i = 0; i < 24; i++) {
    const [colour, shape] = [['red', 'green', 'blue'][i % 3]!, ['disc', 'bar'][i % 2]!]
    files[`${i}.png`] = await sharp(Buffer.from(drawing(colour, shape, 20 + 2 * i)))
      .png()
      .toBuffer()
    files[`${i}.txt`] = `${colour} ${shape}`
  }
  await writeFiles(at('pictures'), files)
  const size = ['--resolution', `${WIDTH}x${HEIGHT}`]
  await succeeds(['train', 'pictures', '--out', 'teacher', ...tiny(160), ...size], inside)
  await succeeds(
    [
      'distill',
      'teacher',
      'pictures',
      '--out',
      'student',
      ...onImages(80),
      '--samples',
      '64',
      ...UNCHECKED,
      '--guidance-scale',
      '1-3',
    ],
    inside,
  )
})

describe('a model of 16×8', () => {
  it('says its size, in words and in its config', async () => {
    const { stdout } = await succeeds(['info', 'teacher'], inside)
    expect(stdout).toMatch(/^resolution +16×8$/m)
    expect(await json(['info', 'teacher', '--json'])).toMatchObject({ resolution: [8, 16], channels: 3 })
    const config = JSON.parse(await readFile(at('student', 'config.json'), 'utf8'))
    expect(config.network.resolution).toEqual([8, 16])
    // As many pixels agree as in a square of about 11.
    expect(config.sigma_max).toBeCloseTo(2.5 * Math.sqrt(8 * 16), 5)
    expect((await succeeds(['info', '.'], inside)).stdout).toContain('student (student, 16×8)')
  })

  it('has samples and a report in its proportions', async () => {
    const samples = await sharp(await readFile(at('teacher', 'samples.png'))).metadata()
    // Eight in a row with gaps of two pixels, two rows.
    const scale = Math.ceil((480 - 14) / (8 * WIDTH))
    expect([samples.width, samples.height]).toEqual([8 * WIDTH * scale + 14, 2 * HEIGHT * scale + 2])
    const report = await readFile(at('student', 'report.html'), 'utf8')
    expect(report).toContain('16 × 8 pixels')
    expect(JSON.parse(await readFile(at('student', 'report.json'), 'utf8')).data).toMatchObject({
      height: 8,
      width: 16,
    })
  })

  it('is evaluated by every judge', async () => {
    const asked = ['evaluate', 'student', '--data', 'pictures', '--steps', '1']
    const { rows, judges, real } = await json([...asked, '--samples', '64', '--noise-seeds', '2', '--json'])
    expect(judges.map(({ name }: { name: string }) => name)).toEqual(['own', 'random-conv', 'pixels'])
    for (const row of rows)
      for (const { fid } of Object.values(row.judges) as { fid: { mean: number } }[])
        expect(fid.mean).toBeGreaterThan(0)
    // Squares of up to half the shorter side have seams.
    expect(Object.keys(real.seams)).toEqual(['2', '4'])
  })

  it('refuses pictures of another size, with the size that would do', async () => {
    const asked = ['evaluate', 'student', '--data', 'pictures', '--steps', '1', '--resolution', '8x16']
    expect(await fails(asked, 2, inside)).toMatch(
      /^student paints 16×8 with 3 channels, but pictures has 8×16 with 3; --resolution 16x8$/,
    )
    expect(await fails(['train', 'pictures', '--out', 'x', '--resolution', '16x'], 2, inside)).toMatch(
      /--resolution.*'16x' is invalid\. must be a side in pixels, such as 32, or width and height, such as 384x256/,
    )
  })

  it('paints, and edits what a mask lets it', async () => {
    await succeeds(
      ['sample', 'student', '--prompt', 'red disc', '-n', '3', '--scale', '2', '--out', 'some.png'],
      inside,
    )
    const grid = await sharp(await readFile(at('some.png'))).metadata()
    expect([grid.width, grid.height]).toEqual([2 * 2 * WIDTH + 2, 2 * 2 * HEIGHT + 2])
    // A picture six times as large as the model's, with rows above and below that are cut off; the mask covers its right half.
    const picture = sharp(Buffer.from(drawing('blue', 'disc', 24)))
    await picture.png().toFile(at('blue.png'))
    const half = '<rect width="48" height="60" fill="#000"/><rect x="48" width="48" height="60" fill="#fff"/>'
    await writeFile(
      at('mask.svg'),
      `<svg xmlns="http://www.w3.org/2000/svg" width="96" height="60">${half}</svg>`,
    )
    await succeeds(
      ['edit', 'student', 'blue.png', '--mask', 'mask.svg', '-n', '1', '--scale', '1', '--out', 'edited.png'],
      inside,
    )
    const edited = await sharp(await readFile(at('edited.png')))
      .raw()
      .toBuffer()
    const kept = await sharp(await readFile(at('blue.png')))
      .removeAlpha()
      .resize(WIDTH, HEIGHT, { fit: 'cover', kernel: 'lanczos3' })
      .raw()
      .toBuffer()
    expect(edited).toHaveLength(3 * HEIGHT * WIDTH)
    const far = (x: number) =>
      Array.from({ length: 3 * HEIGHT }, (_, i) => 3 * (Math.floor(i / 3) * WIDTH + x) + (i % 3)).map((i) =>
        Math.abs(edited[i]! - kept[i]!),
      )
    for (const x of [0, 3, 7]) expect(Math.max(...far(x))).toBeLessThanOrEqual(1)
    expect(Math.max(...far(13))).toBeGreaterThan(1)
  })
})

describeInBrowser('the page of a model of 16×8', () => {
  let [site, browser, page]: [Awaited<ReturnType<typeof serveFolder>>, Browser, Page] = [] as never
  beforeAll(async () => {
    await succeeds(['export', 'student', '--out', 'page', '--target', 'web'], inside)
    site = await serveFolder(at('page'))
    browser = await launch()
    page = await browser.newPage()
  })
  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })

  it('has an element in the picture’s proportions, which paints as Node does', async () => {
    await page.goto(site.url)
    await page.waitForFunction(() =>
      /^[\d.]+ ms on WebAssembly$/.test(document.querySelector('#said')!.textContent!),
    )
    expect(await page.textContent('#about')).toMatch(/^16×8 pixels · /)
    await page.fill('#prompt', 'green bar')
    await page.getByLabel('Seed', { exact: true }).fill('7')
    const found = await page.waitForFunction(() => {
      const element = document.querySelector('#picture') as HTMLElement
      if (element.getAttribute('seed') !== '7' || element.getAttribute('prompt') !== 'green bar') return
      const canvas = element.shadowRoot!.querySelector('canvas')!
      const { width, height } = canvas
      const box = element.getBoundingClientRect()
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, width, height)
      return { width, height, ratio: box.width / box.height, data: [...data] }
    })
    const { width, height, ratio } = (await found.jsonValue())!
    expect([width, height]).toEqual([WIDTH, HEIGHT])
    expect(ratio).toBeCloseTo(2, 1)
    const pipeline = await openPipeline(at('page'))
    const { data } = await pipeline.generate({ prompts: ['green bar'], seed: 7 })
    await pipeline.release()
    const node = toRGBA(data, 0, pipeline.shape)
    const seen = () =>
      page.evaluate(() => {
        const canvas = document.querySelector('#picture')!.shadowRoot!.querySelector('canvas')!
        return [...canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height).data]
      })
    await expect
      .poll(async () => Math.max(...(await seen()).map((byte, i) => Math.abs(byte - node[i]!))))
      .toBeLessThanOrEqual(1)
  })

  it('is refused pictures of another size to edit', async () => {
    // As text: what the test's own bundler makes of an import is not known in the page.
    const message = await page.evaluate(`(async () => {
        const { load } = await import(new URL('onestroke.js', location.href).href)
        const model = await load('./', { device: 'wasm' })
        return model.generate({ image: new ImageData(8, 16) }).then(() => 'taken', ({ message }) => message)
      })()`)
    expect(message).toBe('this model edits pictures of 16×8 pixels, not 8×16')
  })
})
