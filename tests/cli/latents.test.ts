/** The whole path in latents: an autoencoder, a teacher and a student that work in it, their pictures and their exports. */
import { copyFile, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { openPipeline } from '../../packages/onestroke/src/export/index.js'
import { Model } from '../../packages/onestroke/src/model/index.js'
import { fails, scratch, succeeds, writePictures } from './testing.js'

const { at } = await scratch()
const [pictures, codec, teacher, student] = [at('pictures'), at('codec'), at('teacher'), at('student')]
const SIZE = ['--resolution', '96x64']
/** One picture, pixel by pixel. */
const ONE = ['-n', '1', '--scale', '1']
const SHORT = ['--images', '32', '--batch', '8']
const training = (...more: string[]) => ['train', pictures, ...SHORT, '--preset', 'tiny', ...more]
const pixelsOf = (path: string) => sharp(path).raw().toBuffer({ resolveWithObject: true })

beforeAll(async () => {
  await writePictures(pictures, { count: 16 })
  await succeeds(['autoencoder', pictures, '--resolution', '48x32', '--out', codec, '--crop', '16', ...SHORT])
  const { stderr } = await succeeds(training(...SIZE, '--autoencoder', codec, '--out', teacher))
  expect(stderr).toContain('16/16 pictures')
  expect(stderr).toContain(`in latents of ${codec}: 12×8 with 4 channels, for pictures of 96×64`)
  await succeeds([
    'distill',
    teacher,
    pictures,
    '--out',
    student,
    ...SHORT,
    '--samples',
    '0',
    '--checks',
    '0',
    '--no-tune',
  ])
})

describe('a model in latents', () => {
  it('says in what it works', async () => {
    const { stdout } = await succeeds(['info', student, '--json'])
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'student',
      resolution: [64, 96],
      channels: 3,
      space: 'latents of 12×8 with 4 channels, by the autoencoder in its folder',
    })
  })

  it('paints pictures of the size that it learned from', async () => {
    const out = at('sample.png')
    await succeeds(['sample', student, '--out', out, '--seed', '3', ...ONE])
    const { info } = await pixelsOf(out)
    expect(info).toMatchObject({ width: 96, height: 64, channels: 3 })
    await succeeds(['sample', teacher, '--out', at('slow.png'), '--steps', '2', ...ONE])
  })

  it('keeps in an edit every pixel that the mask does not cover', async () => {
    const [image, mask, out] = [at('sample.png'), at('mask.png'), at('edit.png')]
    const half = Buffer.alloc(96 * 64)
    half.fill(255, 0, 96 * 32)
    await sharp(half, { raw: { width: 96, height: 64, channels: 1 } })
      .png()
      .toFile(mask)
    await succeeds(['edit', student, image, '--mask', mask, '--out', out, ...ONE])
    const [before, after] = [await pixelsOf(image), await pixelsOf(out)]
    const lower = 96 * 33 * 3
    const isSame = (from: number, to: number) =>
      after.data.subarray(from, to).equals(before.data.subarray(from, to))
    expect(isSame(lower, after.data.length)).toBe(true)
    expect(isSame(0, lower)).toBe(false)
  })

  it('is exported with its autoencoder, and paints the same', async () => {
    const exported = at('exported')
    await succeeds(['export', student, '--out', exported])
    const manifest = JSON.parse(await readFile(join(exported, 'manifest.json'), 'utf8'))
    expect(Object.keys(manifest.graphs)).toEqual(['denoiser', 'encoder', 'decoder'])
    expect(manifest.graphs.decoder).toMatchObject({
      file: 'decoder.onnx',
      inputs: { points: [null, 4, 8, 12] },
      outputs: { pictures: [null, 3, 64, 96] },
    })
    const options = { prompts: [''], seed: 3 }
    const [own, opened] = [await Model.load(student), await openPipeline(exported)]
    const [one, other] = [await own.generate(options), await opened.generate(options)]
    expect(Math.max(...other.data.map((value, i) => Math.abs(value - one.data[i]!)))).toBeLessThan(1e-3)
    await Promise.all([own.release(), opened.release()])

    const half = at('half')
    await succeeds(['export', student, '--target', 'model', '--dtype', 'fp16', '--out', half])
    for (const file of ['model.safetensors', join('autoencoder', 'model.safetensors')])
      expect((await stat(join(half, file))).size).toBeLessThan(0.7 * (await stat(join(student, file))).size)
    await succeeds(['sample', half, '--out', at('half.png'), '--seed', '3', ...ONE])
  })

  it('is told in one line where something does not fit', async () => {
    expect(
      await fails(training('--resolution', '100x64', '--autoencoder', codec, '--out', at('x')), 2),
    ).toMatch(
      /no network takes the latents of pictures of 100×64 pixels, each of which stands for 8×8 pixels.*--resolution 128x64/,
    )
    expect(await fails(training(...SIZE, '--autoencoder', student, '--out', at('x')), 1)).toContain(
      `${student} is no autoencoder`,
    )
    expect(
      await fails(training(...SIZE, '--autoencoder', codec, '--init-from', teacher, '--out', at('x')), 2),
    ).toMatch(/--autoencoder is for a new network|--preset names a new network/)
    await expect(stat(at('x'))).rejects.toThrow('ENOENT')
    const { stderr } = await succeeds(training('--resolution', '96', '--out', at('pixels')))
    expect(stderr).toContain('latents are quicker')
    const decoder = join(at('exported'), 'decoder.onnx')
    await copyFile(join(at('exported'), 'encoder.onnx'), decoder)
    expect(await fails(['serve', at('exported'), '--port', '0'], 1)).toContain(
      `${decoder} is not the graph that`,
    )
    await rm(join(student, 'autoencoder'), { recursive: true })
    expect(await fails(['sample', student, '--out', at('y.png')], 2)).toContain(join(student, 'autoencoder'))
  })
})
