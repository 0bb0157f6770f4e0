/** What the program says to data that is not there, not what it claims to be, or hostile. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packTar } from 'modern-tar'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { claiming } from '../../packages/onestroke/src/data/testing.js'
import { pngOf } from '../../packages/onestroke/src/formats/index.js'
import {
  fails,
  onestroke,
  scratch,
  succeeds,
  tiny,
  UNMEASURED,
  writeFiles,
  writePictures,
} from './testing.js'

const { folder, at } = await scratch()
const pictures = at('pictures')
const out = at('out')

const KINDS = /; DATA is iconify:NAME\[,NAME…\], a folder of pictures, idx:DIR \(MNIST format\), .*tar:FILE/

beforeAll(async () => {
  await writePictures(pictures, { count: 9 })
})

const idx = (magic: number, shape: number[], data: Uint8Array): Buffer => {
  const header = Buffer.alloc(4 + 4 * shape.length)
  header.writeUInt32BE(magic, 0)
  for (const [i, size] of shape.entries()) header.writeUInt32BE(size, 4 + 4 * i)
  return Buffer.concat([header, data])
}

const tarOf = async (files: Record<string, Uint8Array>): Promise<Uint8Array> =>
  packTar(Object.entries(files).map(([name, body]) => ({ header: { name, size: body.length }, body })))

describe('DATA that cannot be used', () => {
  const train = (data: string) => ['train', data, '--out', out, ...tiny(16)]
  const refused = async (data: string, status: 1 | 2, line: RegExp) => {
    expect(await fails(train(data), status)).toMatch(line)
    expect(await readdir(folder)).not.toContain('out')
  }

  it('is not there', async () => {
    await refused(at('gone'), 2, /^there is no .*gone; DATA is /)
    await refused(`tar:${at('gone.tar')}`, 2, KINDS)
    await refused(`idx:${at('gone')}`, 2, KINDS)
    await refused('iconify:no-such-set', 1, /no-such-set/)
    await refused('iconify:', 2, /^"iconify:" names no data; DATA is /)
  })

  it('is of the wrong kind', async () => {
    await refused(join(pictures, '000.png'), 2, /is not a folder; DATA is /)
    await refused(`tar:${pictures}`, 2, /^no archives in .*pictures; an archive’s name ends in /)
    await refused(
      `idx:${pictures}`,
      1,
      /^there is no train-images-idx3-ubyte \(or train-images-idx3-ubyte\.gz\) in /,
    )
  })

  it('is a folder without pictures, or without one that can be read', async () => {
    await writeFiles(at('empty'), { 'notes.md': 'none here' })
    await refused(at('empty'), 1, /^no pictures in .*empty/)
    await writeFiles(at('broken'), { 'a.png': 'not a picture', 'b.png': '' })
    await refused(
      at('broken'),
      1,
      /^no readable pictures in .*broken: 2 skipped, the first a\.png \(not a picture\)/,
    )
  })

  it('has pictures of several sizes, and none was chosen', async () => {
    await writePictures(at('mixed'), { count: 3 })
    const large = { data: new Float32Array(3 * 256), channels: 3, height: 16, width: 16 } as const
    await writeFiles(at('mixed'), { 'large.png': await pngOf(large) })
    await refused(
      at('mixed'),
      1,
      /^the pictures differ in size: 000\.png is 8×8, large\.png is 16×16; .*--resolution/,
    )
    expect((await succeeds(['info', at('mixed'), '--resolution', '8', '--json'])).stdout).toContain(
      '"pictures": 4',
    )
  })

  it('is IDX with another magic number, or fewer bytes than it says', async () => {
    const labels = idx(0x801, [2], Uint8Array.of(0, 1))
    const images = (bytes: Buffer) =>
      writeFiles(at('idx'), { 'train-images-idx3-ubyte': bytes, 'train-labels-idx1-ubyte': labels })
    await images(idx(0x803, [2, 8, 8], new Uint8Array(128)))
    expect((await succeeds(['info', `idx:${at('idx')}`, '--json'])).stdout).toContain('"pictures": 2')
    await images(idx(0x1234, [2, 8, 8], new Uint8Array(128)))
    await refused(
      `idx:${at('idx')}`,
      1,
      /train-images-idx3-ubyte: expected the magic number 0x00000803, found 0x00001234$/,
    )
    await images(idx(0x803, [2, 8, 8], new Uint8Array(100)))
    await refused(
      `idx:${at('idx')}`,
      1,
      /train-images-idx3-ubyte is truncated: expected 144 bytes, found 116$/,
    )
    await images(idx(0x803, [0xffffffff, 0xffff, 0xffff], new Uint8Array(100)))
    await refused(`idx:${at('idx')}`, 1, /train-images-idx3-ubyte is truncated/)
  })

  it('is a tar archive that was cut short', async () => {
    const picture = await readFile(join(pictures, '000.png'))
    const whole = await tarOf({ '1.png': picture, '2.png': picture, '3.png': picture })
    await writeFile(at('whole.tar'), whole)
    expect((await succeeds(['info', `tar:${at('whole.tar')}`, '--json'])).stdout).toContain('"pictures": 3')
    await writeFile(at('cut.tar'), whole.subarray(0, 512 + 512 + 512 + 10))
    await refused(`tar:${at('cut.tar')}`, 1, /cut\.tar is truncated: it breaks off after 2\.png$/)
    await writeFile(at('text.tar'), 'x'.repeat(2000))
    await refused(`tar:${at('text.tar')}`, 1, /text\.tar is not a tar archive, or damaged/)
  })

  it('is a tar archive whose samples have several pictures, and none was chosen with --part', async () => {
    const small = await readFile(join(pictures, '000.png'))
    const large = await pngOf({ data: new Float32Array(3 * 256), channels: 3, height: 16, width: 16 })
    const parts = { '1.left.png': small, '1.right.png': large, '2.left.png': small, '2.right.png': large }
    await writeFile(at('parts.tar'), await tarOf(parts))
    const spec = `tar:${at('parts.tar')}`
    await refused(
      spec,
      1,
      /^samples have no picture of their own in .*parts\.tar, but parts: left \(2\), right \(2\); .*choose one with --part left$/,
    )
    for (const [part, side] of [
      ['left', 8],
      ['right', 16],
    ] as const) {
      const { stdout } = await succeeds(['info', spec, '--part', part, '--json'])
      expect(JSON.parse(stdout)).toMatchObject({ pictures: 2, height: side, width: side, skipped: [] })
    }
    expect(await fails([...train(spec), '--part', 'top'], 1)).toMatch(
      /^no sample has a picture top in .*parts: left \(2\), right \(2\); .*--part left$/,
    )
    expect(await fails([...train(pictures), '--part', 'left'], 2)).toMatch(/^only tar:FILE has parts/)
  })

  it('has captions that are not in the form they should be in', async () => {
    await writePictures(at('jsonl'), { count: 2 })
    await writeFiles(at('jsonl'), {
      'metadata.jsonl': '{"file_name": "000.png", "text": "fine"}\n{"text": 1}\n',
    })
    await refused(at('jsonl'), 1, /metadata\.jsonl, line 2: expected \{"file_name"/)
  })
})

describe('pictures that cannot be used', () => {
  it('are skipped and named, and the rest is used', async () => {
    await writePictures(at('some'), { count: 9 })
    const whole = await readFile(join(pictures, '001.png'))
    await writeFiles(at('some'), {
      'cut.png': whole.subarray(0, whole.length - 30),
      'huge.png': await claiming(30_000),
      'larger.png': await claiming(2 ** 31 - 1),
    })
    const { stderr } = await succeeds(['train', at('some'), '--out', at('some-run'), ...tiny(16)])
    const [first, second, ...others] = stderr.trimEnd().split('\n')
    expect(first).toMatch(
      /^skipped 3: cut\.png \(.+\), huge\.png \(more than 100 megapixels\), larger\.png \(.+\)$/,
    )
    expect(second).toBe('9 pictures, no classes or captions found')
    expect(others.at(-1)).toBe(`trained: ${at('some-run')}`)
    const facts = JSON.parse((await succeeds(['info', at('some'), '--json'])).stdout)
    expect(facts).toMatchObject({
      pictures: 9,
      skipped: [{ file: 'cut.png' }, { file: 'huge.png' }, { file: 'larger.png' }],
    })
  })
})

describe('what was understood', () => {
  it('is said in a line, with what was not, and without control characters', async () => {
    await writePictures(at('understood'), { count: 3, say: 'captions' })
    const evil = 'e\x1b[2J\u202evil.ppm'
    await writeFiles(at('understood'), { '001.txt': ' ', 'boxes.xml': '<x/>', 'notes.md': 'x', [evil]: 'P6' })
    const { stdout, stderr } = await succeeds(['info', at('understood')])
    const lines = stderr.trimEnd().split('\n')
    expect(lines).toEqual([
      'skipped 1: e\\u001b[2J\\u202evil.ppm (ppm is not read: convert it to PNG or JPEG)',
      '2 files are not used: boxes.xml, notes.md',
      'no two of the 2 captions are the same: a teacher learns one picture for each, so that there is nothing to choose, and nothing to distil; let captions fit several pictures each, or leave them out',
    ])
    expect(stdout).toMatch(/^found +3 pictures, captions \(from \.txt files; 1 picture has none\)$/m)
    expect(stdout).not.toContain('\x1b')
    expect(stdout).not.toContain('\u202e')
  })

  it('is said before a training, too, and long captions are abbreviated', async () => {
    await writePictures(at('long'), { count: 3, say: 'captions' })
    await writeFiles(at('long'), { '001.txt': `a ${'very '.repeat(900)}long one` })
    const { stderr } = await succeeds(['train', at('long'), '--out', at('long-run'), ...tiny(8)])
    const [cut, unique, long, summary] = stderr.split('\n')
    expect(unique).toMatch(/^no two of the 3 captions are the same: .* nothing to distil; /)
    expect(cut).toBe('1 caption is cut after 4,096 characters: 001.txt')
    expect(long).toMatch(/^1 of 3 captions have more than 8 words, .* are read: a very very .{80,110}…$/)
    expect(summary).toBe('3 pictures, captions (from .txt files)')
  })
})

describe('captions that never repeat', () => {
  const WARNING = /^no two of the \d captions are the same: /m

  it('are warned of by info, train and distill; captions that fit several pictures are not', async () => {
    await writePictures(at('unique'), { count: 3, say: 'captions' })
    const info = await succeeds(['info', at('unique'), '--json'])
    expect(info.stderr).toMatch(WARNING)
    expect(JSON.parse(info.stdout).warnings).toEqual([expect.stringMatching(WARNING)])
    const train = await succeeds(['train', at('unique'), '--out', at('unique-run'), ...tiny(8)])
    expect(train.stderr).toMatch(WARNING)
    const distill = ['distill', at('unique-run'), at('unique'), '--out', at('unique-student')]
    const options = ['--images', '8', '--batch', '8', ...UNMEASURED]
    expect((await succeeds([...distill, ...options])).stderr).toMatch(WARNING)
    await writeFiles(at('unique'), { '001.txt': 'red disc' })
    const repeated = await succeeds(['info', at('unique')])
    expect(repeated.stderr).toBe('')
    expect(repeated.stdout).not.toMatch(/no two/)
  })
})

describe('info', () => {
  it('says what a folder of pictures holds that train cannot take as they are, and what train needs', async () => {
    const png = (width: number, height: number) =>
      sharp({ create: { width, height, channels: 3, background: '#f80' } })
        .png()
        .toBuffer()
    await writeFiles(at('wide'), {
      'cats/a.png': await png(30, 20),
      'cats/b.png': await png(90, 120),
      'dogs/c.png': await png(40, 40),
    })
    const { stdout } = await succeeds(['info', at('wide')])
    expect(stdout).toMatch(/^found +3 pictures, 2 classes \(from folders\)$/m)
    expect(stdout).toMatch(/^sizes +30×20 to 90×120$/m)
    expect(stdout).toMatch(/^needs +one size for all: .*--resolution 32/m)
    const facts = JSON.parse((await succeeds(['info', at('wide'), '--json'])).stdout)
    expect(facts.sizes).toEqual({ smallest: { width: 30, height: 20 }, largest: { width: 90, height: 120 } })
    expect(facts).not.toHaveProperty('height')
    const scaled = JSON.parse((await succeeds(['info', at('wide'), '--resolution', '16', '--json'])).stdout)
    expect(scaled).toMatchObject({ height: 16, sizes: facts.sizes })
    expect(scaled).not.toHaveProperty('needs')
    const tall = JSON.parse((await succeeds(['info', at('wide'), '--resolution', '16x24', '--json'])).stdout)
    expect(tall).toMatchObject({ height: 24, width: 16, sizes: facts.sizes })
    expect(tall).not.toHaveProperty('needs')
    // All pictures have one size, but no network takes it.
    await writeFiles(at('odd'), { 'a.png': await png(50, 25) })
    const odd = await succeeds(['info', at('odd')])
    expect(odd.stdout).toMatch(/^needs +a size that networks take: train takes --resolution 48x24, /m)
  })

  it('names the models and runs in a folder of them', async () => {
    const { stdout } = await succeeds(['info', 'models'])
    expect(stdout).toMatch(/^kind +folder of models$/m)
    expect(stdout).toMatch(
      /^models .*emoji-16-teacher \(teacher, 16×16\), .*emoji-32-student \(student, 32×32\)/m,
    )
    await writeFiles(at('runs'), { 'begun/run.json': '{"command":"train"}', 'other/config.json': '{}' })
    const facts = JSON.parse((await succeeds(['info', at('runs'), '--json'])).stdout)
    expect(facts.models).toEqual([{ name: 'begun', kind: 'unfinished run' }])
  })
})

describe('captions of many words', () => {
  it('are counted, and it is told how much of them is read', async () => {
    await writePictures(at('told'), { count: 3, say: 'captions' })
    await writeFiles(at('told'), { '001.txt': 'one two three four five six seven eight and nine' })
    const { stderr } = await succeeds(['train', at('told'), '--out', at('told-run'), ...tiny(8)])
    expect(stderr.split('\n')[1]).toBe(
      '1 of 3 captions have more than 8 words, and only the first 8 are read: one two three four five six seven eight and nine',
    )
  })
})

describe('data that does not fit the model', () => {
  beforeAll(async () => {
    await writePictures(at('classes'), { count: 9, say: 'classes' })
    await writePictures(at('captions'), { count: 9, say: 'captions' })
    await succeeds(['train', at('classes'), '--out', at('by-class'), ...tiny(16)])
    await succeeds(['train', at('captions'), '--out', at('by-text'), ...tiny(16)])
  })

  it('is of another size than the model paints', async () => {
    const args = (data: string) => [
      'evaluate',
      at('by-class'),
      '--data',
      data,
      '--resolution',
      '16',
      '--samples',
      '64',
    ]
    expect(await fails(args(at('classes')), 2)).toMatch(
      /by-class paints 8×8 with 3 channels, but .*classes has 16×16 with 3; --resolution 8$/,
    )
    const distill = ['distill', at('by-class'), at('classes'), '--out', out, '--resolution', '16']
    expect(await fails(distill, 2)).toMatch(/paints 8×8/)
    expect(await fails([...distill.slice(0, -2), '--channels', '1'], 2)).toMatch(/with 3 channels/)
    expect(await readdir(folder)).not.toContain('out')
  })

  it('has not what the teacher is conditioned on', async () => {
    const distill = (teacher: string, data: string) => [
      'distill',
      at(teacher),
      data,
      '--out',
      out,
      '--images',
      '8',
    ]
    expect(await fails(distill('by-class', pictures), 2)).toMatch(
      /^the teacher is conditioned on classes, but .* has none$/,
    )
    expect(await fails(distill('by-text', pictures), 2)).toMatch(
      /^the teacher is conditioned on prompts, but .* has none$/,
    )
    const picture = await readFile(join(pictures, '000.png'))
    await writeFiles(at('others'), { 'disc/1.png': picture, 'star/1.png': picture })
    expect(await fails(distill('by-class', at('others')), 2)).toMatch(
      /^the teacher does not know the class "star" of /,
    )
    expect(await readdir(folder)).not.toContain('out')
  })

  it('does not know the class that is asked for', async () => {
    const line = await fails(['sample', at('by-class'), '--out', at('x.png'), '--prompt', 'star'], 2)
    expect(line).toBe('unknown class "star"; this model knows cross, disc, square')
    const edit = ['edit', at('by-class'), join(pictures, '000.png'), '--out', at('x.png'), '--prompt', 'star']
    expect(await fails(edit, 2)).toBe(line)
    const { status, stderr } = await onestroke([
      'sample',
      at('by-text'),
      '--out',
      at('x.png'),
      '--prompt',
      'stars',
      '-n',
      '1',
      '--steps',
      '1',
    ])
    expect(status).toBe(0)
    expect(stderr).toContain('note: the model has not seen "stars"; it goes by similar spelling')
  })
})
