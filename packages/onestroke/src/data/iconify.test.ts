import sharp from 'sharp'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { loadDataset } from './load.js'
import { complaint, folderOf, pixelAt } from './testing.js'

const EMOJI = 'iconify:fluent-emoji-flat'
const square = (colour: string, extra = {}) => ({
  body: `<path fill="${colour}" d="M0 0h8v8H0z"/>`,
  ...extra,
})

/** Installs icon sets in a folder of their own, and goes there. */
const install = async (
  sets: Record<string, { icons: object; categories?: object } & Record<string, unknown>>,
) => {
  const files = Object.entries(sets).flatMap(([name, { categories, ...icons }]) => [
    [
      `node_modules/@iconify-json/${name}/icons.json`,
      JSON.stringify({ prefix: name, width: 8, height: 8, ...icons }),
    ],
    ...(categories
      ? [[`node_modules/@iconify-json/${name}/metadata.json`, JSON.stringify({ categories })]]
      : []),
  ])
  const directory = await folderOf(Object.fromEntries(files))
  vi.spyOn(process, 'cwd').mockReturnValue(directory)
}
afterEach(() => vi.restoreAllMocks())

describe('at a rectangle', () => {
  it('the whole icon is drawn in the middle', async () => {
    const sizes = { resolution: { height: 16, width: 32 }, limit: 3 }
    const wide = await loadDataset(EMOJI, sizes)
    const square = await loadDataset(EMOJI, { resolution: 16, limit: 3 })
    expect(wide).toMatchObject({ count: 3, height: 16, width: 32, names: square.names })
    for (let i = 0; i < 3; i++)
      for (let y = 0; y < 16; y++) {
        expect(pixelAt(wide, i, 2, y)).toEqual([255, 255, 255])
        for (let x = 0; x < 16; x++)
          for (const [c, value] of pixelAt(square, i, x, y).entries())
            expect(Math.abs(pixelAt(wide, i, x + 8, y)[c]! - value)).toBeLessThan(12)
      }
  })
})

describe('iconify:fluent-emoji-flat', () => {
  it('has 1594 emoji without skin tones, each with its name', async () => {
    const progress: number[] = []
    const dataset = await loadDataset(EMOJI, { resolution: 16, onProgress: (done) => progress.push(done) })
    expect(dataset).toMatchObject({
      name: EMOJI,
      count: 1594,
      channels: 3,
      height: 16,
      width: 16,
      skipped: [],
      license: 'MIT',
    })
    expect(progress).toEqual(Array.from({ length: 1594 }, (_, i) => i + 1))
    const names = dataset.names!
    expect(names).toEqual(names.toSorted())
    expect(new Set(names).size).toBe(1594)
    for (const name of [
      'red heart',
      'waving hand',
      'new moon face',
      'police car light',
      'horizontal traffic light',
    ])
      expect(names).toContain(name)
    expect(names.filter((name) => /(light|medium|dark)$/.test(name))).toEqual([
      'flashlight',
      'horizontal traffic light',
      'police car light',
      'vertical traffic light',
    ])
    expect(dataset.pixels).toHaveLength(1594 * 3 * 16 * 16)
    expect(dataset.pixels.buffer).toBeInstanceOf(SharedArrayBuffer)
  })

  it('is drawn over white, at 32 × 32', async () => {
    const dataset = await loadDataset(EMOJI, { category: ['smileys & emotion'] })
    expect(dataset).toMatchObject({ name: `${EMOJI} (Smileys & Emotion)`, count: 169, width: 32 })
    const heart = dataset.names!.indexOf('red heart')
    expect(pixelAt(dataset, heart, 0, 0)).toEqual([255, 255, 255])
    const [r, g, b] = pixelAt(dataset, heart, 16, 16)
    expect(r).toBeGreaterThan(200)
    expect(Math.max(g!, b!)).toBeLessThan(100)
  })

  it('names the categories as the set does, once each, sorted', async () => {
    const category = ['flags', 'ACTIVITIES', 'Flags']
    const dataset = await loadDataset(EMOJI, { category, resolution: 8, limit: 2 })
    expect(dataset.name).toBe(`${EMOJI} (Activities, Flags)`)
    expect((await loadDataset(EMOJI, { category: [], resolution: 8, limit: 2 })).name).toBe(EMOJI)
  })

  it('is the same every time, and can be limited', async () => {
    const options = { category: ['Flags', 'Activities'], resolution: 8 }
    const one = await loadDataset(EMOJI, options)
    expect((await loadDataset(EMOJI, options)).sha256).toBe(one.sha256)
    const few = await loadDataset(EMOJI, { ...options, limit: 10 })
    expect(few.count).toBe(10)
    expect(few.names![0]).toBe(one.names![0])
    expect(few.names![9]! > one.names![one.count / 2]!).toBe(true)
  })

  it('lists its categories when asked for another', async () => {
    const error = await complaint(loadDataset(EMOJI, { category: ['Beasts'] }))
    expect(error.message).toBe('fluent-emoji-flat has no category "Beasts"')
    expect(error.remedy).toMatch(
      /^its categories are Activities, Animals & Nature, Flags, .*, Travel & Places$/,
    )
    expect(error.option).toBe('category')
  })
})

describe('iconify:NAME', () => {
  it('leaves out hidden icons and aliases, and follows its own placement', async () => {
    await install({
      mine: {
        icons: {
          'big-box': {
            body: '<path fill="#f00" d="M10 20h4v4h-4z"/>',
            left: 10,
            top: 20,
            width: 4,
            height: 4,
          },
          'wide-box': { body: '<path fill="#f00" d="M0 0h16v8H0z"/>', width: 16 },
          box: square('#00f'),
          gone: square('#0f0', { hidden: true }),
        },
        aliases: { crate: { parent: 'box' } },
      },
    })
    const dataset = await loadDataset('iconify:mine', { resolution: 16 })
    expect(dataset.names).toEqual(['big box', 'box', 'wide box'])
    expect(pixelAt(dataset, 0, 8, 8)).toEqual([255, 0, 0])
    expect(pixelAt(dataset, 1, 8, 8)).toEqual([0, 0, 255])
    expect(pixelAt(dataset, 2, 8, 0)).toEqual([255, 255, 255])
    expect(pixelAt(dataset, 2, 8, 8)).toEqual([255, 0, 0])
  })

  it('draws at four times the size and reduces with lanczos3', async () => {
    const body =
      '<circle cx="4" cy="4" r="3.3" fill="#06c"/><path d="M1 7L7 1" stroke="#f80" stroke-width=".4"/>'
    await install({ mine: { icons: { ball: { body } } } })
    const dataset = await loadDataset('iconify:mine', { resolution: 16 })
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64" viewBox="0 0 8 8">${body}</svg>`
    const large = await sharp(Buffer.from(svg)).png().toBuffer()
    const reduced = await sharp(large)
      .flatten({ background: '#fff' })
      .resize(16, 16, { kernel: 'lanczos3' })
      .raw()
      .toBuffer()
    const small = (at: number) => pixelAt(dataset, 0, at % 16, Math.floor(at / 16))
    expect(Array.from({ length: 256 }, (_, at) => small(at)).flat()).toEqual([...reduced])
  })

  it('gives each picture its style when there are several sets', async () => {
    const icons = { heart: square('#f00') }
    await install({ noto: { icons }, 'fluent-emoji-flat': { icons }, 'fluent-emoji': { icons } })
    const one = await loadDataset('iconify:noto', { resolution: 8 })
    expect([one.names, one.styles]).toEqual([['heart'], undefined])
    const two = await loadDataset('iconify:noto,fluent-emoji-flat', { resolution: 8 })
    expect([two.names, two.styles]).toEqual([
      ['heart', 'heart'],
      ['fluent', 'noto'],
    ])
    const three = await loadDataset('iconify:fluent-emoji,noto,fluent-emoji-flat', { resolution: 8 })
    expect(three.styles).toEqual(['fluent emoji flat', 'fluent emoji', 'noto'])
  })

  it('skips drawings that cannot be drawn', async () => {
    await install({ mine: { icons: { good: square('#00f'), bad: { body: '<path fill="#f00"' } } } })
    const dataset = await loadDataset('iconify:mine', { resolution: 8 })
    expect(dataset.names).toEqual(['good'])
    expect(dataset.skipped).toEqual([{ file: 'mine/bad', reason: expect.any(String) }])
  })

  it('draws in grey if told to', async () => {
    await install({ mine: { icons: { white: square('#fff'), black: square('#000') } } })
    const dataset = await loadDataset('iconify:mine', { resolution: 8, channels: 1 })
    expect(dataset.channels).toBe(1)
    expect([pixelAt(dataset, 0), pixelAt(dataset, 1)]).toEqual([[0], [255]])
  })

  it('keeps categories of each set, where it has them', async () => {
    await install({
      one: {
        icons: { cat: square('#f00'), car: square('#f00') },
        categories: { Animals: ['cat', 'no-such'] },
      },
      two: { icons: { dog: square('#f00') }, categories: { animals: ['dog'] } },
      plain: { icons: { pig: square('#f00') } },
    })
    const dataset = await loadDataset('iconify:one,two,plain', { category: ['ANIMALS'], resolution: 8 })
    expect([dataset.names, dataset.styles]).toEqual([
      ['cat', 'dog'],
      ['one', 'two'],
    ])
    const error = await complaint(loadDataset('iconify:plain', { category: ['Animals'] }))
    expect(error.remedy).toBe('it is not divided into categories')
  })

  it('says how to install a set that is missing, and what is no set', async () => {
    const missing = await complaint(loadDataset('iconify:no-such-set'))
    expect(missing.message).toBe('the icon set @iconify-json/no-such-set is not installed')
    expect(missing.remedy).toBe('npm install @iconify-json/no-such-set')
    for (const spec of ['iconify:../../etc', 'iconify:Noto', 'iconify:a,', 'iconify:a//b'])
      expect((await complaint(loadDataset(spec))).option).toBe('data')
    await install({ mine: { icons: { a: 1 } } })
    expect((await complaint(loadDataset('iconify:mine'))).message).toMatch(
      /icons\.json is not an icon set of iconify$/,
    )
  })
})
