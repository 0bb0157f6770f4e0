import { mkdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { autoencoderLayout, LATENT_SIGMA_DATA, previewOf } from '@onestroke/core/autoencoder'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { cutPictures, type Dataset } from '../data/index.js'
import { heldOut, reconstructionsOf } from '../evaluation/index.js'
import { Autoencoder, loadAutoencoder, loadModel } from '../model/index.js'
import { nodeRuntime } from '../runtime/index.js'
import { type AutoencoderOptions, checkAutoencoder, trainAutoencoder } from './autoencoder-task.js'
import { OPTIMIZER_DEFAULTS } from './presets.js'

vi.setConfig({ testTimeout: 120_000 })
const folder = await mkdtemp(join(tmpdir(), 'onestroke-autoencoder-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Pictures of 24×40: discs of one colour on another, of any size and place. */
const discs = (count: number): Dataset => {
  const [height, width] = [24, 40]
  const pixels = new Uint8Array(new SharedArrayBuffer(count * 3 * height * width))
  for (let i = 0; i < count; i++) {
    const [cx, cy, radius] = [8 + ((i * 7) % 24), 6 + ((i * 5) % 12), 3 + (i % 5)]
    for (let c = 0; c < 3; c++)
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
          const inside = Math.hypot(x - cx, y - cy) < radius
          pixels[((i * 3 + c) * height + y) * width + x] =
            (inside ? 40 + 60 * c + 30 * (i % 3) : 230 - 50 * c) % 256
        }
  }
  return { name: 'discs', count, channels: 3, height, width, pixels, skipped: [], sha256: 'abc' }
}

const meanSquare = (values: Float32Array): number =>
  values.reduce((sum, value) => sum + value ** 2, 0) / values.length

const dataset = discs(32)
const network = {
  type: 'convolutional' as const,
  channels: 3,
  latent_channels: 3,
  patch_size: 2,
  levels: [
    { width: 16, encoder: 0, decoder: 1 },
    { width: 16, encoder: 1, decoder: 1 },
  ],
  latents_mean: [0, 0, 0],
  latents_std: [LATENT_SIGMA_DATA, LATENT_SIGMA_DATA, LATENT_SIGMA_DATA],
}
const runIn = (name: string): string => {
  const directory = join(folder, name)
  mkdirSync(directory, { recursive: true })
  return directory
}
const options = (name: string, changes: Partial<AutoencoderOptions> = {}): AutoencoderOptions => ({
  directory: runIn(name),
  dataset,
  runtime: nodeRuntime(),
  checkpoint_every: 1e9,
  plan: {
    command: 'autoencoder',
    data: { spec: 'discs', sha256: 'abc', images: 32 },
    preset: 'small',
    method: 'reconstruction',
    network,
    crop: 16,
    batch: 8,
    images: 8 * 60,
    minutes: null,
    seed: 3,
    checks: 0,
    flip: false,
    optimizer: OPTIMIZER_DEFAULTS,
    schedule: { learning_rate: 5e-3, warmup: 0.02, decay: 0.5, ema_half_life: 80 },
  },
  ...changes,
})

describe('a training of an autoencoder', () => {
  it('gives pictures back, better than it began, and says how its latents are', async () => {
    const { learned, ...kept } = heldOut(dataset)
    expect(learned.count).toBe(28)
    const scores: number[] = []
    const { finished, saved } = await trainAutoencoder(
      options('whole', {
        dataset: learned,
        plan: { ...options('').plan, checks: 3 },
        check: async (model) => {
          const { psnr, scores: each } = await reconstructionsOf(model, kept)
          scores.push(psnr)
          return { fid: {}, scores: each, teacher_distance: null }
        },
      }),
    )
    expect(finished).toBe(true)
    expect(scores).toHaveLength(3)
    expect(scores[2]!).toBeGreaterThan(scores[0]! + 3)
    const loaded = await loadAutoencoder(join(folder, 'whole'))
    expect(loaded.sha256).toBe(saved!.sha256)
    const model = Autoencoder.of(loaded)
    expect((await reconstructionsOf(model, kept)).psnr).toBeGreaterThan(scores[2]! - 0.5)
    // Over the pictures that it learned from, points have the mean and the deviation that denoisers are used to.
    const all = cutPictures(learned, [...Array(learned.count).keys()], 4)
    const points = await model.encode(all.data, all)
    await model.release()
    const each = points.length / all.count / 3
    for (const channel of [0, 1, 2]) {
      const values = points.filter((_, i) => Math.floor(i / each) % 3 === channel)
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
      expect(mean).toBeCloseTo(0, 4)
      expect(Math.sqrt(variance)).toBeCloseTo(LATENT_SIGMA_DATA, 3)
    }
    // A linear map tells most of the pictures' colours.
    const coarse = previewOf(loaded.config.network, points, {
      channels: 3,
      height: all.height,
      width: all.width,
    })!
    const error = meanSquare(coarse.map((value, i) => value - all.data[i]!))
    const level = all.data.reduce((sum, value) => sum + value, 0) / all.data.length
    expect(error).toBeLessThan(0.5 * meanSquare(all.data.map((value) => value - level)))
  })

  it('goes on where it was stopped, to the same bytes', async () => {
    const short = { ...options('').plan, images: 8 * 10 }
    const { saved } = await trainAutoencoder(options('at-once', { plan: short }))
    let steps = 0
    const stopped = await trainAutoencoder(options('parts', { plan: short, shouldStop: () => steps++ >= 4 }))
    expect(stopped).toMatchObject({ finished: false, progress: { step: 4 } })
    const rest = await trainAutoencoder(options('parts', { plan: short }))
    expect(rest.saved!.sha256).toBe(saved!.sha256)
  })

  it('is no model that paints', async () => {
    await expect(loadModel(join(folder, 'at-once'))).rejects.toThrow(
      'at-once is an autoencoder, which paints nothing by itself',
    )
    await expect(loadAutoencoder('models/emoji-16-student')).rejects.toThrow(
      'models/emoji-16-student is no autoencoder',
    )
  })

  it.each([
    [{ crop: 18 }, 'crops of 18×18 pixels are no multiple of the factor, which is 4'],
    [{ crop: 28 }, 'pictures of 40×24 pixels are smaller than a crop of 28×28'],
    [{ batch: 2 ** 24 }, /a batch of 16777216 needs about .* of memory/],
  ])('is refused beforehand: %j', (changes, expected) => {
    expect(() => checkAutoencoder(options('', { plan: { ...options('').plan, ...changes } }))).toThrow(
      expected,
    )
  })

  it('learns the encoder and the decoder alike', async () => {
    const { layout, weights } = await loadAutoencoder(join(folder, 'at-once'))
    const begun = autoencoderLayout(network).initialize(3)
    for (const { name, offset, size } of layout.specs) {
      const moved = weights.subarray(offset, offset + size).some((value, i) => value !== begun[offset + i])
      expect([name, moved]).toEqual([name, true])
    }
  })
})
