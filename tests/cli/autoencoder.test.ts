/** `autoencoder`: from a folder of pictures to a codec, however it is interrupted. */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { fails, scratch, succeeds, writePictures } from './testing.js'

const { folder, at } = await scratch()
const [pictures, out] = [at('pictures'), at('codec')]
const train = (...more: string[]) => [
  'autoencoder',
  pictures,
  '--resolution',
  '48x32',
  '--out',
  out,
  '--crop',
  '16',
  '--images',
  '32',
  '--batch',
  '8',
  '--json',
  ...more,
]
let document: Record<string, unknown>

beforeAll(async () => {
  await writePictures(pictures, { count: 16 })
  document = JSON.parse((await succeeds(train())).stdout)
})

describe('onestroke autoencoder', () => {
  it('makes a folder that says what it is, and how well it does', async () => {
    expect(document).toMatchObject({
      status: 'done',
      out,
      kind: 'autoencoder',
      images_seen: 32,
      psnr: expect.any(Number),
    })
    const { stdout } = await succeeds(['info', out, '--json'])
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'autoencoder',
      network: 'convolutional (residual blocks of convolutions at a few scales), preset f8c4',
      factor: 8,
      latent_channels: 4,
      compression: '48 numbers of a picture for each of the latents',
      images_seen: 32,
      sha256: document.sha256,
    })
    const config = JSON.parse(await readFile(join(out, 'config.json'), 'utf8'))
    expect(config.network.latents_std).toHaveLength(4)
    expect(config.weights_sha256).toBe(document.sha256)
  })

  it('is named among the models of a folder', async () => {
    const { models } = JSON.parse((await succeeds(['info', folder, '--json'])).stdout)
    expect(models).toEqual([{ name: 'codec', kind: 'autoencoder' }])
  })

  it('shows pictures above what comes back of them', async () => {
    const { width, height } = await sharp(join(out, 'samples.png')).metadata()
    // Two of sixteen pictures are kept: two columns of two rows, with gaps.
    expect(width! / height!).toBeCloseTo((2 * 48 + 2) / (2 * 32 + 2), 1)
  })

  it('changes nothing when it is done, and refuses other options', async () => {
    const before = await stat(join(out, 'model.safetensors'))
    const { stderr, stdout } = await succeeds(train())
    expect(stderr).toContain('is finished; nothing was changed')
    expect(JSON.parse(stdout)).toMatchObject({ status: 'finished', sha256: document.sha256 })
    expect((await stat(join(out, 'model.safetensors'))).mtimeMs).toBe(before.mtimeMs)
    expect(await fails(train('--factor', '16'), 2)).toMatch(
      /was started with other options: .*preset was "f8c4"/,
    )
  })

  it('is told from a model, by every command that wants one', async () => {
    for (const args of [
      ['sample', out, '--out', at('x.png')],
      ['distill', out, pictures, '--out', at('x')],
      ['export', out, '--out', at('x')],
    ])
      expect(await fails(args, 2)).toContain(`${out} is an autoencoder, which paints nothing by itself`)
  })

  it.each([
    ['--crop', '20', /crops of 20×20 pixels are no multiple of the factor, which is 8.*--crop 24/],
    ['--crop', '40', /pictures of 48×32 pixels are smaller than a crop of 40×40/],
    ['--factor', '12', /Allowed choices are 8, 16, 32/],
    ['--latent-channels', '0', /must be an integer from 1 to 256/],
    ['--minutes', '1', /--images and --minutes exclude each other/],
  ])('refuses %s %s', async (flag, value, expected) => {
    const other = train(flag, value).map((word) => (word === out ? at('refused') : word))
    expect(await fails(other, 2)).toMatch(expected)
    await expect(stat(at('refused'))).rejects.toThrow('ENOENT')
  })
})
