import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { loadDataset } from './load.js'
import {
  BLUE,
  complaint,
  emptyPipe,
  filled,
  folderOf,
  greyPng,
  hasPipes,
  pixelAt,
  png,
  RED,
} from './testing.js'

const GREEN = { r: 0, g: 255, b: 0 }
describe('a folder of pictures', () => {
  it('is read in the order of its paths, whatever the format', async () => {
    const directory = await folderOf({
      'b.png': await png(RED, 8),
      'B.PNG': await png(RED, 8),
      'a/z.jpeg': await filled(BLUE, 8).jpeg().toBuffer(),
      'c.jpg': await filled(BLUE, 8).jpeg().toBuffer(),
      'd.webp': await filled(BLUE, 8).webp({ lossless: true }).toBuffer(),
      'e.gif': await filled(BLUE, 8).gif().toBuffer(),
      'f.avif': await filled(BLUE, 8).avif().toBuffer(),
      'g.tiff': await filled(BLUE, 8).tiff().toBuffer(),
      'h.svg':
        '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><path fill="#00f" d="M0 0h8v8H0z"/></svg>',
      'notes.md': 'no picture',
      '.hidden.png': await png(RED, 8),
      '.cache/x.png': await png(RED, 8),
      '__MACOSX/x.png': await png(RED, 8),
    })
    const progress: [number, number][] = []
    const dataset = await loadDataset(`${directory}/`, { onProgress: (...now) => progress.push(now) })
    expect(dataset).toMatchObject({
      name: directory,
      count: 9,
      channels: 3,
      height: 8,
      width: 8,
      skipped: [],
    })
    expect(dataset).not.toHaveProperty('names')
    expect(dataset).not.toHaveProperty('classes')
    expect(progress.at(-1)).toEqual([9, 9])
    expect(dataset.pixels.buffer).toBeInstanceOf(SharedArrayBuffer)
    // In the order of code units: B.PNG, a/z.jpeg, b.png, c.jpg, …
    expect(pixelAt(dataset, 0)).toEqual([255, 0, 0])
    expect(pixelAt(dataset, 2)).toEqual([255, 0, 0])
    for (const index of [1, 3, 4, 5, 6, 7, 8]) {
      const [r, g, b] = pixelAt(dataset, index, 4, 4)
      expect(Math.max(r!, g!)).toBeLessThan(8)
      expect(b).toBeGreaterThan(247)
    }
  })

  it('is scaled to cover and cropped in the middle', async () => {
    const tall = sharp({ create: { width: 8, height: 24, channels: 3, background: RED } })
    const middle = await png(BLUE, 8)
    const directory = await folderOf({
      'a.png': await tall
        .composite([{ input: middle, left: 0, top: 8 }])
        .png()
        .toBuffer(),
      'b.png': await png(GREEN, 2),
    })
    const dataset = await loadDataset(directory, { resolution: 4 })
    expect(dataset).toMatchObject({ count: 2, height: 4, width: 4 })
    expect(pixelAt(dataset, 0, 2, 2)).toEqual([0, 0, 255])
    expect(pixelAt(dataset, 1, 0, 0)).toEqual([0, 255, 0])
  })

  it('is laid over white, in 8 bits, upright, and its first frame', async () => {
    const halves = sharp(Uint8Array.of(255, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0, 255), {
      raw: { width: 2, height: 2, channels: 3 },
    })
    const frames = await sharp([await png(BLUE, 2), await png(RED, 2)], { join: { animated: true } })
      .gif()
      .toBuffer()
    const directory = await folderOf({
      'a.png': await png({ ...RED, alpha: 0 }, 2),
      'b.png': await filled(GREEN, 2).toColourspace('rgb16').png().toBuffer(),
      'c.png': await halves.withMetadata({ orientation: 3 }).png().toBuffer(),
      'd.gif': frames,
    })
    const dataset = await loadDataset(directory)
    expect(pixelAt(dataset, 0)).toEqual([255, 255, 255])
    expect(pixelAt(dataset, 1)).toEqual([0, 255, 0])
    expect(pixelAt(dataset, 2)).toEqual([0, 0, 255])
    expect(pixelAt(dataset, 3)).toEqual([0, 0, 255])
  })

  it('draws SVGs large enough to be sharp', async () => {
    const checks = '<path d="M0 0h1v1H0zM1 1h1v1H1z"/>'
    const directory = await folderOf({
      'a.svg': `<svg xmlns="http://www.w3.org/2000/svg" width="2" height="2">${checks}</svg>`,
    })
    const dataset = await loadDataset(directory, { resolution: 32 })
    expect([pixelAt(dataset, 0, 12, 12)[0], pixelAt(dataset, 0, 19, 12)[0]]).toEqual([0, 255])
  })

  it('draws even an SVG whose fourfold would be over the limit', async () => {
    const directory = await folderOf({
      'a.svg':
        '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="2"><path fill="#f00" d="M0 0h8v2H0z"/></svg>',
    })
    const dataset = await loadDataset(directory, { resolution: 1400 })
    expect(dataset).toMatchObject({ count: 1, skipped: [] })
    expect(pixelAt(dataset, 0, 700, 700)).toEqual([255, 0, 0])
  })

  it('is grey if all pictures are, and colourful otherwise, unless told', async () => {
    const greys = { 'a.png': await greyPng(7, 4), 'b.png': await greyPng(200, 4) }
    const grey = await folderOf(greys)
    expect(await loadDataset(grey)).toMatchObject({ channels: 1, count: 2 })
    expect(pixelAt(await loadDataset(grey), 1)).toEqual([200])
    expect(pixelAt(await loadDataset(grey, { channels: 3 }), 1)).toEqual([200, 200, 200])
    const mixed = await folderOf({ ...greys, 'c.png': await png(RED, 4) })
    const dataset = await loadDataset(mixed)
    expect([0, 1, 2].map((i) => pixelAt(dataset, i))).toEqual([
      [7, 7, 7],
      [200, 200, 200],
      [255, 0, 0],
    ])
    expect(await loadDataset(mixed, { channels: 1, resolution: 2 })).toMatchObject({ channels: 1, count: 3 })
  })

  it('follows links, but not in circles', async () => {
    const directory = await folderOf({ 'a/x.png': await png(RED, 4) })
    await symlink(directory, join(directory, 'a', 'up'))
    await symlink(join(directory, 'a'), join(directory, 'b'))
    await symlink(join(directory, 'gone'), join(directory, 'gone.png'))
    const { count, classes, skipped } = await loadDataset(directory)
    expect({ count, classes }).toEqual({ count: 2, classes: ['a', 'b'] })
    expect(skipped).toEqual([{ file: 'gone.png', reason: 'a link that leads nowhere' }])
  })

  it.skipIf(!hasPipes)('names the pipes in it, and waits for none', async () => {
    const directory = await folderOf({ 'a.png': await png(RED, 4), 'b.png': await png(RED, 4) })
    for (const name of ['a.txt', 'c.png', 'metadata.jsonl']) emptyPipe(directory, name)
    await symlink(join(directory, 'c.png'), join(directory, 'd.png'))
    const { count, names, skipped } = await loadDataset(directory)
    expect({ count, names }).toEqual({ count: 2, names: undefined })
    expect(skipped).toEqual(
      ['a.txt', 'c.png', 'd.png', 'metadata.jsonl'].map((file) => ({
        file,
        reason: 'neither a file nor a folder',
      })),
    )
  })

  it('can be limited, evenly', async () => {
    const files = await Promise.all(
      Array.from({ length: 9 }, async (_, i) => [`${i}.png`, await greyPng(i, 2)] as const),
    )
    const dataset = await loadDataset(await folderOf(Object.fromEntries(files)), { limit: 3 })
    expect([0, 1, 2].map((i) => pixelAt(dataset, i)[0])).toEqual([0, 3, 6])
  })
})

describe('classes', () => {
  it('are sub-folders', async () => {
    const red = await png(RED, 4)
    const directory = await folderOf({
      'dog/1.png': red,
      'cat/deep/2.png': red,
      'dog/0.png': red,
      'Ant/9.png': red,
    })
    const dataset = await loadDataset(directory)
    expect(dataset.classes).toEqual(['Ant', 'cat', 'dog'])
    expect(dataset.labels).toEqual(Int32Array.of(0, 1, 2, 2))
    expect(dataset.names).toBeUndefined()
  })

  it('are not one sub-folder, nor sub-folders beside as many pictures', async () => {
    const red = await png(RED, 4)
    expect(await loadDataset(await folderOf({ 'dog/1.png': red }))).not.toHaveProperty('classes')
    const mixed = await folderOf({ 'dog/1.png': red, 'cat/1.png': red, '1.png': red, '2.png': red })
    const dataset = await loadDataset(mixed)
    expect(dataset).not.toHaveProperty('classes')
    expect(dataset).toMatchObject({
      count: 4,
      warnings: ['the 2 folders are not taken for classes, because 2 pictures lie beside them'],
    })
  })

  it('are part of the hash', async () => {
    const red = await png(RED, 4)
    const sha = async (files: Record<string, Uint8Array>) => (await loadDataset(await folderOf(files))).sha256
    const hashes = [
      await sha({ 'a/1.png': red, 'b/1.png': red }),
      await sha({ 'a/1.png': red, 'c/1.png': red }),
      await sha({ '1.png': red, '2.png': red }),
    ]
    expect(new Set(hashes).size).toBe(3)
  })
})

describe('captions', () => {
  it('lie beside the pictures; those that are missing are empty', async () => {
    const red = await png(RED, 4)
    const directory = await folderOf({
      'a.png': red,
      'a.txt': '\ufeff  a red\n  square \n',
      'b/some-red_thing.v2.png': red,
      'c.png': red,
      'c.txt': ' \n',
      'other.txt': 'of no picture',
    })
    expect((await loadDataset(directory)).names).toEqual(['a red square', '', ''])
  })

  it('come from metadata.jsonl, in any folder', async () => {
    const red = await png(RED, 4)
    const directory = await folderOf({
      'metadata.jsonl':
        '{"file_name":"1.png","text":"one"}\r\n\n{"file_name":"sub/2.png","text":"two","x":1}\n',
      'sub/metadata.jsonl':
        '{"file_name":"3.png","text":"three"}\n{"file_name":"4.png","text":"four"}\n{"file_name":"5.png"}',
      '1.png': red,
      'sub/2.png': red,
      'sub/3.png': red,
      'sub/5.png': red,
    })
    const dataset = await loadDataset(directory)
    expect(dataset.names).toEqual(['one', 'two', 'three', ''])
    expect(dataset.skipped).toEqual([])
    expect(dataset.warnings).toEqual([
      '1 line names no picture (a name counts from the folder of its file): 4.png in sub/metadata.jsonl',
    ])
  })

  it('may go with classes', async () => {
    const red = await png(RED, 4)
    const dataset = await loadDataset(await folderOf({ 'a/1.png': red, 'a/1.txt': 'first', 'b/2.png': red }))
    expect(dataset).toMatchObject({ names: ['first', ''], classes: ['a', 'b'], labels: Int32Array.of(0, 1) })
  })

  it.each(['{"file_name":"1.png"', '[]', '{"text":"one"}', '{"file_name":"1.png","text":1}'])(
    'name the line of a metadata.jsonl that is %s',
    async (line) => {
      const directory = await folderOf({ '1.png': await png(RED, 4), 'metadata.jsonl': `\n${line}\n` })
      expect((await complaint(loadDataset(directory))).message).toBe(
        `${join(directory, 'metadata.jsonl')}, line 2: expected {"file_name": "…", "text": "…"}, found ${line}`,
      )
    },
  )
})

describe('pictures that are no squares', () => {
  /** Red at the left and blue at the right, of 12×6. */
  const halves = async () =>
    sharp(await png(RED, 12, 6))
      .composite([{ input: await png(BLUE, 6, 6), left: 6, top: 0 }])
      .png()
      .toBuffer()

  it('keep their size, if it is the same for all', async () => {
    const directory = await folderOf({ 'a.png': await halves(), 'b.png': await png(BLUE, 12, 6) })
    const dataset = await loadDataset(directory)
    expect(dataset).toMatchObject({ count: 2, height: 6, width: 12 })
    expect(dataset.pixels).toHaveLength(2 * 3 * 6 * 12)
    expect([pixelAt(dataset, 0, 5, 5), pixelAt(dataset, 0, 6, 0)]).toEqual([
      [255, 0, 0],
      [0, 0, 255],
    ])
  })

  it('cover the size that is asked for, and lose what lies beside its middle', async () => {
    const directory = await folderOf({
      'a.png': await halves(),
      'b.png': await png(BLUE, 100, 30),
      'test/a.png': await halves(),
    })
    const dataset = await loadDataset(directory, { resolution: { height: 24, width: 16 } })
    expect(dataset).toMatchObject({ count: 2, height: 24, width: 16, test: { height: 24, width: 16 } })
    for (const y of [0, 23]) {
      expect(pixelAt(dataset, 0, 2, y)).toEqual([255, 0, 0])
      expect(pixelAt(dataset, 0, 13, y)).toEqual([0, 0, 255])
    }
  })
})
describe('what people also have', () => {
  it('finds captions whatever the case of their ending, their encoding, and the form of their accents', async () => {
    const utf16 = Buffer.from('\ufeffred cat', 'utf16le')
    const directory = await folderOf({
      'A.PNG': await png(RED, 8),
      'A.TXT': 'upper',
      'b.png': await png(RED, 8),
      'b.txt': utf16,
      'c.png': await png(RED, 8),
      'c.txt': Buffer.from(utf16).swap16(),
      'cafe\u0301.png': await png(RED, 8),
      'd.jfif': await filled(BLUE, 8).jpeg().toBuffer(),
      'metadata.jsonl': [
        '{"file_name":"caf\u00e9.png","text":"coffee"}',
        '{"file_name":"d.jfif","text":"","caption":"dog"}',
      ].join('\n'),
    })
    const { names, skipped } = await loadDataset(directory)
    expect(skipped).toEqual([])
    expect(names).toEqual(['upper', 'red cat', 'red cat', 'coffee', 'dog'])
  })

  it('names the pictures whose format it does not read', async () => {
    const directory = await folderOf({ 'a.png': await png(RED, 8), 'b.HEIC': 'x', 'notes.md': 'x' })
    const { count, skipped } = await loadDataset(directory)
    expect(count).toBe(1)
    expect(skipped).toEqual([{ file: 'b.HEIC', reason: 'heic is not read: convert it to PNG or JPEG' }])
  })

  it('reads captions of older Windows programs, and takes no rubbish for one', async () => {
    const red = await png(RED, 8)
    const directory = await folderOf({
      'a.png': red,
      'a.txt': Buffer.from('a caf\u00e9', 'latin1'),
      'b.png': red,
      'b.txt': Buffer.from([0x64, 0x6f, 0x67, 0x92, 0x73]),
      'c.png': red,
      'c.txt': Buffer.from([0x1f, 0x8b, 0x08, 0x00, 0xff]),
    })
    const { names, warnings } = await loadDataset(directory)
    expect(names).toEqual(['a café', 'dog’s', ''])
    expect(warnings).toEqual([
      '2 texts are not UTF-8, and read as Windows-1252; save as UTF-8 what comes out wrong: a.txt, b.txt',
      '1 file is no text, and not used: c.txt',
    ])
  })
})
