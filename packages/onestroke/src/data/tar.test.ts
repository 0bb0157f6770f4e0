import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { packTar } from 'modern-tar'
import { describe, expect, it } from 'vitest'
import { loadDataset } from './load.js'
import { BLUE, complaint, filled, folderOf, noise, pack, pixelAt, png, RED, tarOf } from './testing.js'

const red = await png(RED, 4)
const blue = await png(BLUE, 4)

describe('tar:FILE', () => {
  it('reads pictures, captions and classes, sorted by sample', async () => {
    const spec = await tarOf({
      'set/0002.png': blue,
      'set/0002.txt': ' a blue\nsquare ',
      'set/0002.cls': '3\n',
      'set/0001.cls': '0',
      'set/0001.json': '{"caption":"a red square","width":4}',
      'set/0001.seg.png': 'passed over',
      'set/0001.png': red,
      'set/README': 'passed over',
      'set/.png': 'passed over',
    })
    const dataset = await loadDataset(spec)
    expect(dataset).toMatchObject({
      name: spec,
      count: 2,
      channels: 3,
      height: 4,
      width: 4,
      skipped: [],
      names: ['a red square', 'a blue square'],
      classes: ['0', '1', '2', '3'],
      labels: Int32Array.of(0, 3),
    })
    expect([pixelAt(dataset, 0), pixelAt(dataset, 1)]).toEqual([
      [255, 0, 0],
      [0, 0, 255],
    ])
    expect(dataset.pixels.buffer).toBeInstanceOf(SharedArrayBuffer)
  })

  it('scales pictures to cover a rectangle', async () => {
    const spec = await tarOf({ '1.png': await png(RED, 30, 10), '2.png': blue })
    const dataset = await loadDataset(spec, { resolution: { height: 24, width: 8 } })
    expect(dataset).toMatchObject({ count: 2, height: 24, width: 8 })
    expect(pixelAt(dataset, 0, 7, 23)).toEqual([255, 0, 0])
    expect(pixelAt(dataset, 1, 0, 23)).toEqual([0, 0, 255])
  })

  it('reads gzipped archives as well, and reports progress', async () => {
    const members = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`${i + 10}.png`, red]))
    const bytes = await pack(members)
    const directory = await folderOf({ 'x.tar.gz': gzipSync(bytes), 'x.tar': bytes })
    const progress: [number, number][] = []
    const onProgress = (...now: [number, number]) => progress.push(now)
    const packed = await loadDataset(`tar:${directory}/x.tar.gz`, { onProgress })
    const plain = await loadDataset(`tar:${directory}/x.tar`)
    expect(packed.count).toBe(20)
    expect(packed.sha256).toBe(plain.sha256)
    expect(progress.at(-1)).toEqual([20, 20])
    expect(progress.every(([done, total]) => done <= total)).toBe(true)
    expect(plain).not.toHaveProperty('names')
    expect(plain).not.toHaveProperty('classes')
  })

  it('scales, limits, and takes empty captions where there are none', async () => {
    const spec = await tarOf({
      'a.png': red,
      'b.jpg': await filled(RED, 9, 7).jpeg().toBuffer(),
      'c.webp': await filled(RED, 5).webp().toBuffer(),
      'b.txt': 'second',
    })
    const dataset = await loadDataset(spec, { resolution: 8 })
    expect(dataset).toMatchObject({ count: 3, width: 8, names: ['', 'second', ''] })
    expect(await loadDataset(spec, { resolution: 8, limit: 2 })).toMatchObject({
      count: 2,
      names: ['', 'second'],
    })
  })

  it('takes labels of JSON, as text or number', async () => {
    const of = (...labels: unknown[]) =>
      tarOf(
        Object.fromEntries(
          labels.flatMap((label, i) => [
            [`${i}.png`, red],
            [`${i}.json`, JSON.stringify({ label })],
          ]),
        ),
      )
    expect(await loadDataset(await of('dog', 'cat', 'dog'))).toMatchObject({
      classes: ['cat', 'dog'],
      labels: Int32Array.of(1, 0, 1),
    })
    expect(await loadDataset(await of(2, 0))).toMatchObject({
      classes: ['0', '1', '2'],
      labels: Int32Array.of(2, 0),
    })
    for (const wrong of [-1, 1e9])
      expect((await complaint(loadDataset(await of(0, wrong)))).message).toMatch(
        /: 1 has the class -?\d+; expected 0 to/,
      )
    expect((await complaint(loadDataset(await of(0, null)))).message).toMatch(
      /: 1 has no class, though other pictures/,
    )
    expect((await complaint(loadDataset(await of(1.5)))).message).toMatch(/0\.json must hold/)
  })

  it('skips pictures that cannot be read', async () => {
    const spec = await tarOf({ '1.png': red, '2.png': 'nonsense', '3.png': '' })
    expect((await loadDataset(spec)).skipped).toEqual([
      { file: '2', reason: 'not a picture' },
      { file: '3', reason: 'empty file' },
    ])
    expect((await complaint(loadDataset(await tarOf({ '2.png': 'nonsense' })))).message).toMatch(
      /^no readable pictures in .*x\.tar: 1 skipped, the first 2 \(not a picture\)$/,
    )
    expect((await complaint(loadDataset(await tarOf({})))).message).toMatch(/^no pictures in /)
  })

  it('names links, and pictures whose names have a second dot, unless they are a part of another', async () => {
    const file = (name: string) => ({ header: { name, size: red.length }, body: red })
    const link = (name: string, type: 'link' | 'symlink', linkname: string) => ({
      header: { name, size: 0, type, linkname },
    })
    const bytes = await packTar([
      file('a.png'),
      file('a.mask.png'),
      file('my.cat.png'),
      link('b.png', 'symlink', 'a.png'),
      link('c.png', 'link', 'a.png'),
      link('a.txt', 'link', 'elsewhere.txt'),
      link('latest', 'symlink', 'a.png'),
    ])
    const { count, skipped } = await loadDataset(`tar:${join(await folderOf({ 'x.tar': bytes }), 'x.tar')}`)
    expect(count).toBe(1)
    const follow = expect.stringMatching(/^a link, /)
    expect(skipped).toEqual([
      { file: 'a.txt', reason: follow },
      { file: 'b', reason: follow },
      { file: 'c', reason: follow },
      { file: 'my.cat.png', reason: expect.stringMatching(/^the second dot of its name/) },
    ])
  })

  it('takes pictures of every format that a folder may hold', async () => {
    const spec = await tarOf({
      'a.gif': await filled(RED, 4).gif().toBuffer(),
      'b.avif': await filled(RED, 4).avif({ lossless: true }).toBuffer(),
      'c.TIF': await filled(RED, 4).tiff().toBuffer(),
      'd.svg':
        '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"><path fill="#f00" d="M0 0h4v4H0z"/></svg>',
    })
    const dataset = await loadDataset(spec)
    expect(dataset).toMatchObject({ count: 4, skipped: [] })
    for (const index of [0, 1, 2, 3]) expect(pixelAt(dataset, index)[0]).toBeGreaterThan(247)
  })

  it('names a class that is none', async () => {
    const spec = await tarOf({ '1.png': red, '1.cls': 'cat' })
    expect((await complaint(loadDataset(spec))).message).toMatch(
      /: 1\.cls must hold a class, .* but holds "cat"$/,
    )
  })

  it('tells archives that break off, wherever they do', async () => {
    const large = await noise(32).png().toBuffer()
    const whole = await pack({ '1.png': large, '2.png': large, '3.txt': 'three' })
    const packed = gzipSync(whole)
    const cuts = [100, 512, 700, 512 + large.length, 1024, whole.length - 1536]
    for (const bytes of [
      ...cuts.map((cut) => whole.subarray(0, cut)),
      packed.subarray(0, packed.length / 2),
    ]) {
      const directory = await folderOf({ 'x.tar': bytes })
      expect((await complaint(loadDataset(`tar:${directory}/x.tar`))).message).toMatch(
        /x\.tar is truncated: it breaks off after (the start|[12]\.png|3\.txt)$/,
      )
    }
  })

  it('tells gzip that is damaged', async () => {
    const packed = gzipSync(await pack({ '1.png': await noise(32).png().toBuffer(), '2.png': red }))
    packed.fill(0xff, 200, 400)
    const directory = await folderOf({ 'x.tar.gz': packed })
    expect((await complaint(loadDataset(`tar:${directory}/x.tar.gz`))).message).toMatch(
      /x\.tar\.gz is not a tar archive, or damaged after the start: /,
    )
  })

  it('tells files that are no archives', async () => {
    const directory = await folderOf({
      'text.tar': 'This is no archive. '.repeat(100),
      'picture.tar': await noise(32).png().toBuffer(),
      'empty.tar': '',
    })
    const message = async (file: string) => (await complaint(loadDataset(`tar:${directory}/${file}`))).message
    expect(await message('text.tar')).toMatch(/text\.tar is not a tar archive, or damaged after the start: /)
    expect(await message('picture.tar')).toMatch(
      /picture\.tar is not a tar archive, or damaged after the start: /,
    )
    expect(await message('empty.tar')).toMatch(/empty\.tar is empty$/)
  })
})

describe('what people also have', () => {
  it('takes an empty label for none, and says so', async () => {
    const spec = await tarOf({ '1.png': red, '1.json': '{"label":" "}', '2.png': blue, '2.cls': '0' })
    expect((await complaint(loadDataset(spec))).message).toContain(
      '1 has no class, though other pictures have one',
    )
  })
})

describe('several archives', () => {
  const shards = async () =>
    folderOf({
      '00000.tar': await pack({ '0.png': red, '0.txt': 'zero', '1.png': red, '1.txt': 'one' }),
      '00001.tar': await pack({ '0.png': blue, '0.txt': 'two' }),
      '00002.tar.gz': gzipSync(await pack({ '3.png': blue, '3.txt': 'three' })),
      'notes.txt': 'no archive',
    })

  it('are a folder, a list, braces or wildcards', async () => {
    const directory = await shards()
    const names = async (spec: string) => (await loadDataset(`tar:${spec}`)).names
    expect(await names(directory)).toEqual(['zero', 'one', 'two', 'three'])
    expect(await names(`${directory}/00000.tar,tar:${directory}/00001.tar`)).toEqual(['zero', 'one', 'two'])
    expect(await names(`${directory}/{00000..00001}.tar`)).toEqual(['zero', 'one', 'two'])
    expect(await names(`${directory}/0000{0.tar,2.tar.gz}`)).toEqual(['zero', 'one', 'three'])
    expect(await names(`${directory}/*.tar::${directory}/00002.tar.gz`)).toEqual([
      'zero',
      'one',
      'two',
      'three',
    ])
    expect(await loadDataset(`tar:${directory}`, { limit: 3 })).toMatchObject({ count: 3 })
  })

  it('are all there, or the missing one is named', async () => {
    const directory = await shards()
    const message = async (spec: string) => (await complaint(loadDataset(`tar:${directory}/${spec}`))).message
    expect(await message('{00001..00003}.tar')).toBe(`there is no ${directory}/00002.tar`)
    expect(await message('x*.tar')).toBe(`nothing is called ${directory}/x*.tar`)
  })
})

describe('archives in one file', () => {
  it('are told apart where the first ends, and what to do is said', async () => {
    const [first, second] = await Promise.all([pack({ '0.png': red }), pack({ '1.png': blue })])
    const directory = await folderOf({
      'both.tar': Buffer.concat([first, second]),
      'both.tar.gz': Buffer.concat([gzipSync(first), gzipSync(second)]),
    })
    for (const name of ['both.tar', 'both.tar.gz']) {
      const error = await complaint(loadDataset(`tar:${directory}/${name}`))
      expect([error.message, error.remedy]).toEqual([
        `${directory}/${name} goes on after its end, behind 0.png: several archives in one`,
        'name the archives themselves, as tar:FILE,FILE',
      ])
    }
  })
})

describe('samples with several pictures', () => {
  it('have one that is chosen', async () => {
    const spec = await tarOf({
      '0.Left.png': red,
      '0.right.png': blue,
      '0.txt': 'zero',
      '1.left.png': red,
      '1.txt': 'one',
    })
    const right = await loadDataset(spec, { part: 'right' })
    expect(right).toMatchObject({
      count: 1,
      names: ['zero'],
      skipped: [{ file: '1.left.png', reason: 'its sample has no part right' }],
    })
    expect(pixelAt(right, 0)).toEqual([0, 0, 255])
    expect(await loadDataset(spec, { part: 'left' })).toMatchObject({ count: 2, names: ['zero', 'one'] })
    const error = await complaint(loadDataset(spec))
    expect(error.message).toMatch(
      /^samples have no picture of their own in .*x\.tar, but parts: left \(2\), right \(1\)$/,
    )
    expect(error.remedy).toMatch(/choose one with `part` left$/)
    expect((await complaint(loadDataset(spec, { part: 'up' }))).message).toMatch(
      /^no sample has a picture up in /,
    )
  })

  it('need no choice where there is only one; texts with a second dot are named', async () => {
    const spec = await tarOf({ '0.input.png': red, '0.outputs.txt': 'x', '1.input.png': red })
    expect(await loadDataset(spec)).toMatchObject({
      count: 2,
      warnings: [
        'the pictures are those called NAME.input',
        '1 text has a second dot in its name, and is not used: a sample’s caption is NAME.txt: 0.outputs.txt',
      ].map((line) => line.replace('’', "'")),
    })
  })
})
