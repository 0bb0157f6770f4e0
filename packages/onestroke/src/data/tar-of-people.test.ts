/** Archives as people have them: not quite what other tools would write. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { Archive } from './archive.js'
import { loadDataset } from './load.js'
import { BLUE, complaint, folderOf, pack, png, RED, tarOf } from './testing.js'

const red = await png(RED, 4)
const blue = await png(BLUE, 4)

describe('archives as people have them', () => {
  it('may lack the empty blocks at their end', async () => {
    const whole = await pack({ '1.png': red, '2.png': blue, '2.txt': 'two' })
    for (const cut of [512, 1024]) {
      const directory = await folderOf({ 'x.tar': whole.subarray(0, whole.length - cut) })
      expect(await loadDataset(`tar:${directory}/x.tar`)).toMatchObject({ count: 2, names: ['', 'two'] })
    }
  })

  it.each([
    ['BZh91AY', /is compressed with bzip2$/, /bunzip2/],
    ['\xfd7zXZ\0', /is compressed with xz$/, /unxz/],
    ['PK\x03\x04', /is a zip archive$/, /unpack it into a folder/],
    ['\n<!DOCTYPE html><html>', /is a web page, not an archive$/, /download it again/],
    ['version https://git-lfs.github.com/spec/v1', /is a pointer of Git LFS$/, /git lfs pull/],
  ])('are none if they begin with %j', async (start, message, remedy) => {
    const bytes = Buffer.concat([Buffer.from(start, 'latin1'), Buffer.alloc(2000)])
    const error = await complaint(loadDataset(`tar:${await folderOf({ 'x.tar': bytes })}/x.tar`))
    expect(error.message).toMatch(message)
    expect(error.remedy).toMatch(remedy)
  })

  it('may hold much that is not read, which is counted', async () => {
    const others = Array.from({ length: 40 }, (_, i) => [`${i}.npy`, noiseBytes(5000)] as const)
    const spec = await tarOf({
      ...Object.fromEntries(others),
      '1.png': red,
      '2.ppm': 'P6',
      '3.json': '{"uid":3}',
    })
    const { count, warnings, skipped } = await loadDataset(spec)
    expect(count).toBe(1)
    expect(warnings).toEqual(['40 files are not used: 0.npy, 1.npy, 2.npy, …'])
    expect(skipped).toEqual([{ file: '2.ppm', reason: 'ppm is not read: convert it to PNG or JPEG' }])
  })

  it('may hold files without an ending, which are named, but for documents', async () => {
    const spec = await tarOf({ '1.png': red, 'set/photo': blue, 'set/README': 'words', LICENSE: 'MIT' })
    const { count, warnings, skipped } = await loadDataset(spec)
    expect([count, warnings]).toEqual([1, []])
    expect(skipped).toEqual([{ file: 'set/photo', reason: 'its name has no ending, as .png or .jpg' }])
  })

  it('may be left before their end, and are unpacked no further than they are read', async () => {
    const directory = await folderOf({
      'x.tar.gz': gzipSync(await pack({ '1.txt': 'one', '2.bin': randomBytes(2 ** 24) }), { level: 1 }),
    })
    const archive = new Archive(join(directory, 'x.tar.gz'))
    const entries = archive.entries()
    expect((await entries.next()).value!.header.name).toBe('1.txt')
    // Until nothing more is read ahead.
    for (let before = 0; before < archive.progress; await setTimeout(300)) before = archive.progress
    expect(archive.progress).toBeLessThan(0.1)
    await entries.return(undefined)
  })

  it('call captions prompt as well; what is not understood is named', async () => {
    const spec = await tarOf({ '1.png': red, '1.json': '{"prompt":"a cat","uid":"1"}' })
    expect(await loadDataset(spec)).toMatchObject({ names: ['a cat'], warnings: [] })
    const other = await tarOf({ '1.png': red, '1.json': '{"conversations":[]}' })
    const { names, warnings } = await loadDataset(other)
    expect(names).toBeUndefined()
    expect(warnings).toEqual([expect.stringMatching(/^1 \.json file holds no caption or label .*: 1\.json$/)])
  })

  it('that have several captions are counted once each', async () => {
    const members = ['1', '2'].flatMap((sample) => [
      [`${sample}.png`, red] as const,
      ...['json', 'caption', 'txt'].map(
        (ending) => [`${sample}.${ending}`, ending === 'json' ? '{"caption":"c"}' : ending] as const,
      ),
    ])
    expect(await loadDataset(await tarOf(Object.fromEntries(members)))).toMatchObject({
      names: ['txt', 'txt'],
      warnings: ['2 samples have several captions, of which the last in the archive is taken: 1, 2'],
    })
  })

  it('keep their classes if one sample has a caption', async () => {
    const spec = await tarOf({
      ...Object.fromEntries(
        [1, 2, 3].flatMap((i) => [
          [`${i}.png`, red],
          [`${i}.cls`, `${i}`],
        ]),
      ),
      '3.txt': 'a stray note',
    })
    expect(await loadDataset(spec)).toMatchObject({
      classes: ['1', '2', '3'],
      labels: Int32Array.of(0, 1, 2),
      warnings: ['1 of 3 pictures has a caption (3): the classes (from .cls) are used, captions are not'],
    })
    expect((await loadDataset(spec)).names).toBeUndefined()
  })
})

const noiseBytes = (length: number) => Uint8Array.from({ length }, (_, i) => (i * i * 31) % 251)
