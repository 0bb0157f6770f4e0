import { gzipSync } from 'node:zlib'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { loadDataset } from './load.js'
import { summaryOf } from './summary.js'
import { complaint, folderOf, pixelAt } from './testing.js'

const u32 = (...values: number[]): number[] =>
  values.flatMap((v) => [v >>> 24, (v >>> 16) & 255, (v >>> 8) & 255, v & 255])

/** Pictures that differ from each other and from line to line. */
const imagesOf = (count: number, side: number): Uint8Array =>
  Uint8Array.from({ length: count * side * side }, (_, i) => 1 + ((i * 31 + (i >> 5) * 17) % 255))
const images = (count: number, side: number): Uint8Array =>
  Uint8Array.of(...u32(0x803, count, side, side), ...imagesOf(count, side))
const labels = (...values: number[]): Uint8Array => Uint8Array.of(...u32(0x801, values.length), ...values)

const TRAIN = { 'train-images-idx3-ubyte': images(3, 28), 'train-labels-idx1-ubyte': labels(2, 0, 1) }

describe('idx:DIR', () => {
  it('pads 28 × 28 to 32 × 32 with black, and names the classes', async () => {
    const directory = await folderOf(TRAIN)
    const dataset = await loadDataset(`idx:${directory}/`)
    expect(dataset).toMatchObject({
      name: `idx:${directory}`,
      count: 3,
      channels: 1,
      height: 32,
      width: 32,
      skipped: [],
      classes: ['0', '1', '2'],
      labels: Int32Array.of(2, 0, 1),
    })
    expect(dataset.test).toBeUndefined()
    expect(dataset.names).toBeUndefined()
    expect(dataset.pixels.buffer).toBeInstanceOf(SharedArrayBuffer)
    const native = imagesOf(3, 28)
    const expected = Array.from({ length: 3 * 32 * 32 }, (_, i) => {
      const [n, y, x] = [Math.floor(i / 1024), (Math.floor(i / 32) % 32) - 2, (i % 32) - 2]
      return x < 0 || x >= 28 || y < 0 || y >= 28 ? 0 : native[(n * 28 + y) * 28 + x]!
    })
    expect([...dataset.pixels]).toEqual(expected)
  })

  it.each([
    [4, 4],
    [5, 8],
    [20, 32],
    [40, 64],
  ])('pads %i × %i to the next power of two', async (native, side) => {
    const directory = await folderOf({ ...TRAIN, 'train-images-idx3-ubyte': images(3, native) })
    const dataset = await loadDataset(`idx:${directory}`)
    expect(dataset).toMatchObject({ height: side, width: side })
    expect(Math.max(...dataset.pixels)).toBe(Math.max(...imagesOf(3, native)))
    const sum = (bytes: Uint8Array) => bytes.reduce((a, b) => a + b, 0)
    expect(sum(dataset.pixels)).toBe(sum(imagesOf(3, native)))
  })

  it('keeps 28 × 28 if told to, and repeats grey as colour', async () => {
    const directory = await folderOf(TRAIN)
    const grey = await loadDataset(`idx:${directory}`, { resolution: 28 })
    expect([...grey.pixels]).toEqual([...imagesOf(3, 28)])
    const colour = await loadDataset(`idx:${directory}`, { resolution: 28, channels: 3 })
    expect(colour.channels).toBe(3)
    for (const index of [0, 1, 2]) {
      const [value] = pixelAt(grey, index, 3, 5)
      expect(pixelAt(colour, index, 3, 5)).toEqual([value, value, value])
    }
  })

  it.each([14, 16, 9])('scales down to %i as if every picture were alone', async (side) => {
    const directory = await folderOf(TRAIN)
    const dataset = await loadDataset(`idx:${directory}`, { resolution: side })
    for (const index of [0, 1, 2]) {
      const raw = { width: 28, height: 28, channels: 1 } as const
      const alone = await sharp(imagesOf(3, 28).slice(index * 784, (index + 1) * 784), { raw })
        .resize(side, side)
        .toColourspace('b-w')
        .raw()
        .toBuffer()
      expect([...dataset.pixels.subarray(index * side * side, (index + 1) * side * side)]).toEqual([...alone])
    }
  })

  it('stand in the middle of a rectangle, reduced where they are larger, and whole', async () => {
    const directory = await folderOf(TRAIN)
    const wide = await loadDataset(`idx:${directory}`, { resolution: { height: 28, width: 48 } })
    expect(wide).toMatchObject({ height: 28, width: 48 })
    for (let y = 0; y < 28; y++) {
      const row = [...wide.pixels.subarray(48 * y, 48 * (y + 1))]
      expect(row.slice(10, 38)).toEqual([...imagesOf(3, 28).slice(28 * y, 28 * (y + 1))])
      expect(row.slice(0, 10)).toEqual(Array(10).fill(0))
      expect(row.slice(38)).toEqual(Array(10).fill(0))
    }
    const small = await loadDataset(`idx:${directory}`, { resolution: { height: 14, width: 24 } })
    const raw = { width: 48, height: 28, channels: 1 } as const
    const alone = await sharp(wide.pixels.slice(0, 28 * 48), { raw })
      .resize(24, 14)
      .toColourspace('b-w')
      .raw()
      .toBuffer()
    expect([...small.pixels.subarray(0, 14 * 24)]).toEqual([...alone])
  })

  it('reads gzipped files, and t10k as the test set with the same classes', async () => {
    const directory = await folderOf({
      'train-images-idx3-ubyte.gz': gzipSync(images(3, 28)),
      'train-labels-idx1-ubyte.gz': gzipSync(labels(2, 0, 1)),
      't10k-images-idx3-ubyte.gz': gzipSync(images(2, 28)),
      't10k-labels-idx1-ubyte': labels(4, 0),
    })
    const dataset = await loadDataset(`idx:${directory}`)
    expect(dataset.classes).toEqual(['0', '1', '2', '3', '4'])
    expect(dataset.test).toMatchObject({
      count: 2,
      width: 32,
      classes: dataset.classes,
      labels: Int32Array.of(4, 0),
    })
    expect(dataset.test!.sha256).not.toBe(dataset.sha256)
    const limited = await loadDataset(`idx:${directory}`, { limit: 2 })
    expect(limited.count).toBe(2)
    expect(limited.labels).toEqual(Int32Array.of(2, 0))
  })

  it('hashes pixels and labels', async () => {
    const sha = async (files: Record<string, Uint8Array>) =>
      (await loadDataset(`idx:${await folderOf(files)}`)).sha256
    const other = images(3, 28)
    other[500]! ^= 1
    const hashes = [
      await sha(TRAIN),
      await sha({ ...TRAIN, 'train-images-idx3-ubyte': other }),
      await sha({ ...TRAIN, 'train-labels-idx1-ubyte': labels(2, 1, 0) }),
    ]
    expect(new Set(hashes).size).toBe(3)
    expect(await sha(TRAIN)).toBe(hashes[0])
    expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/)
  })

  it.each([
    [
      'train-images.idx3-ubyte',
      'train-labels.idx1-ubyte',
      't10k-images.idx3-ubyte',
      't10k-labels.idx1-ubyte',
    ],
    [
      'emnist-letters-train-images-idx3-ubyte.gz',
      'emnist-letters-train-labels-idx1-ubyte.gz',
      'emnist-letters-test-images-idx3-ubyte.gz',
      'emnist-letters-test-labels-idx1-ubyte.gz',
    ],
  ])('reads %s, as other programs name it', async (trainImages, trainLabels, testImages, testLabels) => {
    const asStored = (file: string, bytes: Uint8Array) => (file.endsWith('.gz') ? gzipSync(bytes) : bytes)
    const directory = await folderOf({
      [trainImages]: asStored(trainImages, images(3, 28)),
      [trainLabels]: asStored(trainLabels, labels(2, 1, 3)),
      [testImages]: asStored(testImages, images(1, 28)),
      [testLabels]: asStored(testLabels, labels(4)),
      // Kaggle wraps the file in a folder of the same name.
      'train-images-idx3-ubyte/train-images-idx3-ubyte': images(3, 28),
    })
    // Labels that begin at 1: there is no class 0.
    expect(await loadDataset(`idx:${directory}`)).toMatchObject({
      count: 3,
      classes: ['1', '2', '3', '4'],
      labels: Int32Array.of(1, 0, 2),
      test: { count: 1, labels: Int32Array.of(3) },
    })
  })

  it('sets EMNIST upright, which is stored transposed, and says so', async () => {
    const tall = Uint8Array.of(...u32(0x803, 2, 28, 20), ...imagesOf(2, 28).subarray(0, 2 * 28 * 20))
    const filesOf = (prefix: string, bytes: Uint8Array) => ({
      [`${prefix}train-images-idx3-ubyte`]: bytes,
      [`${prefix}train-labels-idx1-ubyte`]: labels(1, 2),
      [`${prefix}test-images-idx3-ubyte`]: bytes,
      [`${prefix}test-labels-idx1-ubyte`]: labels(1, 2),
    })
    const load = async (prefix: string) => loadDataset(`idx:${await folderOf(filesOf(prefix, tall))}`)
    const [plain, emnist] = [await load(''), await load('emnist-balanced-')]
    for (const [upright, stored] of [
      [emnist, plain],
      [emnist.test!, plain.test!],
    ] as const)
      for (const index of [0, 1])
        for (const [x, y] of [
          [6, 2],
          [20, 9],
          [13, 25],
        ] as const)
          expect(pixelAt(upright, index, y, x)).toEqual(pixelAt(stored, index, x, y))
    expect(summaryOf(emnist)).toBe(
      '2 pictures, 2 classes (from labels), set upright (EMNIST’s files hold them transposed), 2 more in a test split',
    )
    expect(summaryOf(plain)).toBe('2 pictures, 2 classes (from labels), 2 more in a test split')
  })

  it('does not choose among several sets', async () => {
    const directory = await folderOf({ ...TRAIN, 'emnist-train-images-idx3-ubyte': images(3, 28) })
    const error = await complaint(loadDataset(`idx:${directory}`))
    expect(error.message).toBe(`${directory} holds several sets: emnist, train-…`)
    expect(error.remedy).toBe('put each into a folder of its own')
  })

  it('names what is missing or does not match', async () => {
    const message = async (files: Record<string, Uint8Array>) =>
      (await complaint(loadDataset(`idx:${await folderOf(files)}`))).message
    expect(await message({})).toMatch(/^there is no train-images-idx3-ubyte \(or .*\.gz\) in /)
    expect(await message({ 'train-images-idx3-ubyte': images(3, 28) })).toMatch(/no train-labels-idx1-ubyte/)
    expect(await message({ ...TRAIN, 't10k-images-idx3-ubyte': images(1, 28) })).toMatch(
      /no t10k-labels-idx1-ubyte/,
    )
    expect(await message({ ...TRAIN, 'train-labels-idx1-ubyte': labels(1, 2) })).toMatch(
      /train-images-idx3-ubyte holds 3 images, but .*train-labels-idx1-ubyte holds 2 labels$/,
    )
    expect(await message({ ...TRAIN, 'train-labels-idx1-ubyte': images(3, 1) })).toMatch(
      /train-labels-idx1-ubyte: expected the magic number 0x00000801, found 0x00000803$/,
    )
    expect(
      await message({ 'train-images-idx3-ubyte': images(0, 28), 'train-labels-idx1-ubyte': labels() }),
    ).toMatch(/train-images-idx3-ubyte holds no images \(0×28×28\)$/)
  })
})
