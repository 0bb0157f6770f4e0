/** Autoencoders of diffusers, read from the folders that it writes, against diffusers itself. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LATENT_SIGMA_DATA } from '@onestroke/core/autoencoder'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pythonLacks, runPython } from '../../packages/core/src/testing/python.js'
import {
  Autoencoder,
  type LoadedAutoencoder,
  loadAutoencoder,
  saveAutoencoder,
} from '../../packages/onestroke/src/model/index.js'
import { nodeRuntime } from '../../packages/onestroke/src/runtime/index.js'

/** Relative to the largest value. */
const ERROR = 1e-4

/** Two levels, and the rest as diffusers has it by default. */
const KL = {
  block_out_channels: [8, 16],
  down_block_types: ['DownEncoderBlock2D', 'DownEncoderBlock2D'],
  up_block_types: ['UpDecoderBlock2D', 'UpDecoderBlock2D'],
  norm_num_groups: 4,
}
/** Like FLUX's. */
const THREE_LEVELS = {
  block_out_channels: [8, 8, 16],
  down_block_types: Array(3).fill('DownEncoderBlock2D'),
  up_block_types: Array(3).fill('UpDecoderBlock2D'),
  layers_per_block: 2,
  norm_num_groups: 8,
  latent_channels: 16,
  use_quant_conv: false,
  use_post_quant_conv: false,
  scaling_factor: 0.3611,
  shift_factor: 0.1159,
}
const ONE_LEVEL = {
  block_out_channels: [8],
  norm_num_groups: 2,
  in_channels: 1,
  out_channels: 1,
  latent_channels: 2,
  mid_block_add_attention: false,
  act_fn: 'mish',
}
const TINY = {
  encoder_block_out_channels: [8, 8, 8],
  decoder_block_out_channels: [12, 12, 12],
  num_encoder_blocks: [1, 2, 1],
  num_decoder_blocks: [2, 1, 1],
}
const TINY_GREY = {
  encoder_block_out_channels: [8],
  decoder_block_out_channels: [8],
  num_encoder_blocks: [2],
  num_decoder_blocks: [1],
  in_channels: 1,
  out_channels: 1,
  latent_channels: 2,
  act_fn: 'gelu',
}
const SCALED = { scaling_factor: 0.5, shift_factor: 0.3, act_fn: 'swish', latent_magnitude: 2 }
const LATENTS = { latents_mean: [-1.6, 1.1, 0.2, -2.3], latents_std: [8.4, 6.9, 5.9, 5.2] }

const kl = (name: string, config: object, more: object = {}) => ({
  name,
  class_name: 'AutoencoderKL',
  config,
  ...more,
})
const tiny = (name: string, config: object, more: object = {}) => ({
  name,
  class_name: 'AutoencoderTiny',
  config,
  ...more,
})
const cases = [
  kl('kl', KL),
  kl('kl of one level, grey, without attention', ONE_LEVEL),
  kl('kl of three levels, without quant_conv', THREE_LEVELS),
  kl('kl with quant_conv alone', { ...KL, use_post_quant_conv: false, mid_block_add_attention: false }),
  kl('kl whose latents were measured', { ...KL, ...LATENTS }),
  kl('kl in float16', KL, { dtype: 'float16', variant: 'fp16' }),
  kl('kl in bfloat16, in a pipeline', KL, { dtype: 'bfloat16', pipeline: true }),
  kl('kl with former names', KL, { former_names: true }),
  tiny('tiny', TINY),
  tiny('tiny of one level, grey', TINY_GREY),
  tiny('tiny with scaled latents', { ...TINY, ...SCALED }),
  tiny('tiny in float16', { ...TINY, act_fn: 'mish' }, { dtype: 'float16', variant: 'fp16' }),
]

type Found = Record<'pictures' | 'encoded' | 'latents' | 'decoded', number[]> & { readonly side: number }

const lacking = pythonLacks('torch', 'diffusers', 'safetensors')

describe('autoencoders agree with diffusers', () => {
  let directory: string
  let expected: Record<string, Found> = {}
  let worst = 0
  beforeAll(async () => {
    if (lacking) return
    directory = await mkdtemp(join(tmpdir(), 'onestroke-autoencoders-'))
    const script = fileURLToPath(new URL('./autoencoders.py', import.meta.url))
    expected = runPython<Record<string, Found>>([script], { directory, cases })
  }, 300_000)
  afterAll(async () => {
    if (!directory) return
    console.log(`largest error against diffusers: ${worst.toExponential(1)}`)
    await rm(directory, { recursive: true })
  })

  const expectNear = (found: Float32Array, expected: readonly number[]) => {
    expect(found).toHaveLength(expected.length)
    const scale = Math.max(...expected.map(Math.abs))
    expect(scale).toBeGreaterThan(0.01)
    const error = Math.max(...expected.map((value, i) => Math.abs(found[i]! - value))) / scale
    worst = Math.max(worst, error)
    expect(error).toBeLessThan(ERROR)
  }

  /** Points have half the deviation of the latents that a denoiser of diffusers sees. */
  const expectSame = async (loaded: LoadedAutoencoder, { side, ...found }: Found) => {
    const autoencoder = Autoencoder.of(loaded, nodeRuntime({ threads: 1 }))
    const scaled = (values: readonly number[]) => values.map((value) => LATENT_SIGMA_DATA * value)
    const size = { height: 6 * side, width: 4 * side }
    expectNear(await autoencoder.encode(Float32Array.from(found.pictures), size), scaled(found.encoded))
    const points = Float32Array.from(scaled(found.latents))
    expectNear(await autoencoder.decode(points, { height: 6, width: 4 }), found.decoded)
    await autoencoder.release()
  }

  it.for(cases)('$name, also once it is saved as a folder of ours', async ({ name, class_name }, context) => {
    context.skip(lacking !== undefined, lacking)
    const loaded = await loadAutoencoder(join(directory, name))
    expect(loaded.config.imported).toMatchObject({ from: 'diffusers', class_name, sha256: loaded.sha256 })
    await expectSame(loaded, expected[name]!)
    const ours = join(directory, `${name}, ours`)
    await saveAutoencoder(ours, loaded)
    const again = await loadAutoencoder(ours)
    expect(again.weights).toEqual(loaded.weights)
    expect(again.config).toEqual({ ...loaded.config, weights_sha256: again.sha256 })
  })
})
