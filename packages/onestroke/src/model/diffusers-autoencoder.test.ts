import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { autoencoderLayout } from '@onestroke/core/autoencoder'
import { serializeSafetensors } from '@onestroke/core/formats'
import { describe, expect, it } from 'vitest'
import { complaint, folderOf } from '../data/testing.js'
import { loadAutoencoder } from './autoencoder.js'
import { diffusersAutoencoder, diffusersNames } from './diffusers-autoencoder.js'
import { readConfig } from './folder.js'

const KL = {
  _class_name: 'AutoencoderKL',
  _diffusers_version: '0.4.2',
  _name_or_path: 'somewhere',
  act_fn: 'silu',
  block_out_channels: [4, 8],
  down_block_types: ['DownEncoderBlock2D', 'DownEncoderBlock2D'],
  in_channels: 3,
  latent_channels: 4,
  layers_per_block: 1,
  norm_num_groups: 2,
  out_channels: 3,
  sample_size: 256,
  up_block_types: ['UpDecoderBlock2D', 'UpDecoderBlock2D'],
}
const TINY = {
  _class_name: 'AutoencoderTiny',
  encoder_block_out_channels: [4, 4],
  decoder_block_out_channels: [8, 8],
  num_encoder_blocks: [1, 2],
  num_decoder_blocks: [3, 0],
}
const CONFIG = 'config.json'
const WEIGHTS = 'diffusion_pytorch_model.safetensors'

const networkOf = (json: object) => diffusersAutoencoder(json, CONFIG).network
/** What it says of a config. */
const refusal = (json: object): string => {
  try {
    diffusersAutoencoder(json, CONFIG)
  } catch (error) {
    return (error as Error).message
  }
  return 'nothing'
}

/** A folder as diffusers writes it, with weights that a config asks for, by diffusers' names. */
const folder = async (json: object, change: (names: Map<string, readonly number[]>) => void = () => {}) => {
  const { specs } = autoencoderLayout(networkOf(json))
  const shapes = new Map(specs.map(({ name, shape }) => [diffusersNames(name)[0]!, shape]))
  change(shapes)
  const tensors = [...shapes].map(([name, shape]) => {
    const size = shape.reduce((product, n) => product * n, 1)
    return { name, dtype: 'F32' as const, shape, data: new Float32Array(size).fill(0.5) }
  })
  return folderOf({
    [CONFIG]: JSON.stringify(json),
    [WEIGHTS]: serializeSafetensors(tensors, { format: 'pt' }),
  })
}

describe('a config of diffusers', () => {
  it('of an AutoencoderKL says what it has, and what diffusers takes by default', () => {
    expect(diffusersAutoencoder(KL, CONFIG)).toEqual({
      class_name: 'AutoencoderKL',
      version: '0.4.2',
      network: {
        type: 'kl',
        channels: 3,
        latent_channels: 4,
        block_out_channels: [4, 8],
        layers_per_block: 1,
        norm_num_groups: 2,
        act_fn: 'silu',
        use_quant_conv: true,
        use_post_quant_conv: true,
        mid_block_add_attention: true,
        latents_mean: [0, 0, 0, 0],
        latents_std: Array(4).fill(1 / 0.18215),
      },
    })
  })

  it('of an AutoencoderTiny counts blocks from fine to coarse', () => {
    expect(networkOf(TINY)).toMatchObject({
      type: 'tiny',
      encoder_width: 4,
      decoder_width: 8,
      levels: [
        { encoder: 1, decoder: 0 },
        { encoder: 2, decoder: 3 },
      ],
      act_fn: 'relu',
      latents_std: [1, 1, 1, 1],
    })
    const taesd = networkOf({ _class_name: 'AutoencoderTiny' })
    expect(taesd).toMatchObject({
      encoder_width: 64,
      levels: [1, 3, 3, 3].map((n) => ({ encoder: n, decoder: n })),
    })
  })

  it('tells the mean and the deviation of latents in one of two ways', () => {
    expect(networkOf({ ...KL, scaling_factor: 0.5, shift_factor: 0.1 })).toMatchObject({
      latents_mean: [0.1, 0.1, 0.1, 0.1],
      latents_std: [2, 2, 2, 2],
    })
    const measured = { latents_mean: [1, 2, 3, 4], latents_std: [5, 6, 7, 8] }
    expect(networkOf({ ...KL, ...measured, scaling_factor: 0.5 })).toMatchObject(measured)
    expect(networkOf({ ...KL, latents_mean: null, latents_std: null })).toMatchObject({
      latents_mean: [0, 0, 0, 0],
    })
  })

  it.each<[object, string]>([
    [
      { ...KL, _class_name: 'AutoencoderDC' },
      '_class_name: expected AutoencoderKL or AutoencoderTiny, found "AutoencoderDC"',
    ],
    [{ ...KL, colour: 'red' }, 'the key colour is unknown'],
    [{ ...KL, layers_per_block: 'two' }, 'layers_per_block: expected number, found "two"'],
    [{ ...KL, in_channels: 9 }, 'in_channels: expected number to be <=4, found 9'],
    [{ ...KL, out_channels: 1 }, 'out_channels: expected 3, as many as in_channels, found 1'],
    [
      { ...KL, norm_num_groups: 3 },
      'norm_num_groups: expected a number that divides all of block_out_channels, found 3',
    ],
    [
      { ...KL, down_block_types: ['AttnDownEncoderBlock2D', 'DownEncoderBlock2D'] },
      'down_block_types.0: expected "DownEncoderBlock2D", found "AttnDownEncoderBlock2D"',
    ],
    [
      { ...KL, up_block_types: ['UpDecoderBlock2D'] },
      'up_block_types: expected 2 of them, as many as block_out_channels, found ["UpDecoderBlock2D"]',
    ],
    [
      { ...KL, latents_std: [1, 1, 1, 1] },
      'latents_mean: expected 4 numbers, since there is latents_std, found null',
    ],
    [{ ...KL, latents_mean: [0], latents_std: [1] }, 'latents_mean must hold 4 numbers, not 1'],
    [
      { ...KL, latents_mean: [0, 0, 0, 0], latents_std: [1, 1, 0, 1] },
      'latents_std.2: expected number to be >0, found 0',
    ],
    [{ ...TINY, upsample_fn: 'bilinear' }, 'upsample_fn: expected "nearest", found "bilinear"'],
    [{ ...TINY, upsampling_scaling_factor: 4 }, 'upsampling_scaling_factor: expected 2, found 4'],
    [
      { ...TINY, encoder_block_out_channels: [4, 8] },
      'encoder_block_out_channels: expected the same number, found [4,8]',
    ],
    [
      { ...TINY, num_decoder_blocks: [1] },
      'num_decoder_blocks: expected 2 numbers, as many as num_encoder_blocks, found [1]',
    ],
  ])('%j is refused', (json, expected) => {
    expect(refusal(json)).toBe(`${CONFIG}: ${expected}`)
  })
})

describe('a folder of diffusers', () => {
  it('is loaded, with its weights by today’s names or by former ones', async () => {
    const loaded = await loadAutoencoder(await folder(KL))
    expect(loaded.config.imported).toMatchObject({ class_name: 'AutoencoderKL', version: '0.4.2' })
    expect(loaded.weights.every((value) => value === 0.5)).toBe(true)
    const former = await folder(KL, (shapes) => {
      for (const half of ['encoder', 'decoder'])
        for (const [today, was] of [
          ['to_q', 'query'],
          ['to_out.0', 'proj_attn'],
        ]) {
          const at = `${half}.mid_block.attentions.0`
          shapes.set(`${at}.${was}.weight`, shapes.get(`${at}.${today}.weight`)!)
          shapes.delete(`${at}.${today}.weight`)
        }
    })
    expect((await loadAutoencoder(former)).weights).toEqual(loaded.weights)
  })

  it('may be the vae of a pipeline, or of float16', async () => {
    const inside = await folder(TINY)
    await rename(join(inside, WEIGHTS), join(inside, 'diffusion_pytorch_model.fp16.safetensors'))
    expect((await loadAutoencoder(inside)).config.network.type).toBe('tiny')
    const pipeline = await folderOf({ 'model_index.json': '{}' })
    await mkdir(join(pipeline, 'vae'))
    for (const file of [CONFIG, 'diffusion_pytorch_model.fp16.safetensors'])
      await rename(join(inside, file), join(pipeline, 'vae', file))
    expect((await loadAutoencoder(pipeline)).path).toBe(join(pipeline, 'vae'))
  })

  it.each<[string, (shapes: Map<string, readonly number[]>) => void, string]>([
    [
      'lacks a weight',
      (shapes) => shapes.delete('quant_conv.weight'),
      'the weight quant_conv.weight [8, 8, 1, 1] is missing',
    ],
    ['has one too many', (shapes) => shapes.set('loss.weight', [1]), 'the weight loss.weight is unknown'],
    [
      'has both names of one',
      (shapes) => shapes.set('encoder.mid_block.attentions.0.key.bias', [8]),
      'the weight encoder.mid_block.attentions.0.key.bias is unknown',
    ],
    [
      'has another shape',
      (shapes) => shapes.set('decoder.conv_in.weight', [8, 3, 3, 3]),
      'the weight decoder.conv_in.weight has shape [8, 3, 3, 3], but config.json asks for [8, 4, 3, 3]',
    ],
  ])('is refused if it %s', async (_, change, expected) => {
    const path = await folder(KL, change)
    const { message } = await complaint(loadAutoencoder(path))
    expect(message).toContain(`${join(path, WEIGHTS)}: ${expected}`)
  })

  it('is refused if its config asks for another network', async () => {
    const path = await folder(KL)
    await writeFile(join(path, CONFIG), JSON.stringify({ ...KL, use_quant_conv: false }))
    const { message } = await complaint(loadAutoencoder(path))
    expect(message).toContain('the weight quant_conv.')
    expect(message).toContain('is unknown to the network in config.json')
  })

  it('is refused if its weights are a pickle, or missing', async () => {
    const path = await folder(KL)
    await rm(join(path, WEIGHTS))
    const missing = await complaint(loadAutoencoder(path))
    expect(missing.message).toBe(`there is no ${WEIGHTS} in ${path}`)
    const pickle = join(path, 'diffusion_pytorch_model.bin')
    await writeFile(pickle, 'PK')
    const { message, remedy } = await complaint(loadAutoencoder(path))
    expect(message).toBe(`${pickle} is a pickle, which may run code when it is opened; expected ${WEIGHTS}`)
    expect(remedy).toContain('AutoencoderKL.from_pretrained(')
  })

  it('is told from a model that paints', async () => {
    const { message } = await complaint(readConfig(await folder(TINY)))
    expect(message).toContain('is an autoencoder, which paints nothing by itself')
  })
})
