/** Which networks presets make of a picture's size. */
import { diffusion, EDM } from '@onestroke/core/diffusion'
import { type NetworkConfig, networkInputShapes, networkLayout } from '@onestroke/core/nn'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nodeRuntime } from '../runtime/index.js'
import { isTrainable, PRESETS, presetNetwork, trainableSize } from './presets.js'
import { trainingStep } from './step.js'

const NAMES = Object.keys(PRESETS)
const networkOf = (preset: string, height: number, width = height) =>
  presetNetwork(preset, { channels: 3, height, width }, { kind: 'none' })
/** Those of a network that has levels. */
const levelsOf = (network: NetworkConfig) => ('levels' in network ? network.levels : [])
/** Patch, and width of each level. */
const planOf = (preset: string, height: number, width = height) => {
  const network = networkOf(preset, height, width)
  return [network.patch_size, ...levelsOf(network).map((level) => level.width)]
}

describe('a preset', () => {
  it('has the networks that it always had for squares of 8 to 64', () => {
    const found = Object.fromEntries(
      NAMES.map((name) => [name, [8, 16, 32, 64].map((side) => planOf(name, side))]),
    )
    expect(found).toEqual({
      tiny: [
        [1, 32, 64],
        [2, 32, 64],
        [2, 32, 64],
        [2, 32, 64],
      ],
      small: [
        [1, 96, 192],
        [2, 96, 192],
        [2, 48, 96, 192],
        [2, 48, 96, 192],
      ],
      base: [
        [1, 128, 256],
        [2, 128, 256],
        [2, 64, 128, 256],
        [2, 64, 128, 256],
      ],
      unet: [
        [1, 96, 192],
        [2, 96, 192],
        [2, 48, 96, 192],
        [2, 48, 96, 192],
      ],
    })
  })

  it('goes by the number of tokens: 4096 at most, of which 256 at most look at each other', () => {
    for (const [height, width] of [
      [24, 48],
      [96, 64],
      [64, 96],
      [128, 128],
      [256, 256],
      [512, 512],
      [512, 128],
      [40, 72],
    ] as const)
      for (const name of NAMES) {
        const network = networkOf(name, height, width)
        const tokens = (height * width) / network.patch_size ** 2
        expect(tokens).toBeLessThanOrEqual(4096)
        if ('levels' in network) expect(tokens / 4 ** (network.levels.length - 1)).toBeLessThanOrEqual(256)
      }
    // Patches stay as fine as that allows.
    expect([64, 128, 256, 512].map((side) => planOf('base', side)[0])).toEqual([2, 2, 4, 8])
    expect(planOf('base', 24, 48)).toEqual([2, 64, 128, 256])
    expect(planOf('tiny', 128)).toEqual([2, 32, 32, 64])
    expect(planOf('unet', 128)).toEqual([2, 48, 48, 96, 192])
  })

  it('makes a network that can be built of each size that it takes', () => {
    const side = fc.integer({ min: 8, max: 130 })
    fc.assert(
      fc.property(side, side, fc.constantFrom('tiny', 'unet'), (height, width, name) => {
        if (!isTrainable({ height, width })) return
        expect(networkLayout(networkOf(name, height, width)).size).toBeGreaterThan(0)
      }),
      { numRuns: 60 },
    )
  })

  it('refuses other sizes, and names one near by that it takes', () => {
    expect(() => networkOf('base', 25, 50)).toThrow(
      'no network takes pictures of 50×25 pixels: multiples of 8 will do for both sides',
    )
    expect(() => networkOf('base', 4, 8)).toThrow('no network takes pictures of 8×4 pixels')
    const side = fc.integer({ min: 1, max: 4096 })
    fc.assert(
      fc.property(side, side, (height, width) => {
        const near = trainableSize({ height, width })
        expect(isTrainable(near)).toBe(true)
        if (isTrainable({ height, width })) return
        // The size that it names has about these proportions, if they are not extreme.
        if (Math.min(height, width) < 16 || Math.max(height, width) > 4 * Math.min(height, width)) return
        expect(Math.abs(Math.log2(near.height / height))).toBeLessThan(0.51)
        expect(Math.abs(Math.log2(near.width / width))).toBeLessThan(0.51)
      }),
      { numRuns: 1000 },
    )
  })

  it.each([
    ['tiny', 24, 48],
    ['unet', 24, 48],
    ['tiny', 96, 64],
    ['unet', 96, 64],
  ])('%s trains at %i×%i', async (name, height, width) => {
    const network = networkOf(name, height, width)
    const batch = 1
    const program = trainingStep({
      student: { network, ...EDM, sigma_min: 0.01, sigma_max: 80, sigma_data: 0.5 },
      guidance_scale: 1,
      objective: diffusion,
      options: diffusion.options,
      batch,
    })
    const layout = networkLayout(network)
    const parameters = layout.initialize(1)
    const [, ...sides] = networkInputShapes(network, batch).x!
    expect(sides).toEqual([3, height, width])
    const wave = (by: number) =>
      Float32Array.from({ length: batch * 3 * height * width }, (_, i) => Math.sin(by * i))
    const one = new Float32Array(batch).fill(1)
    const inputs = {
      ...Object.fromEntries(
        Object.entries(program.inputs).map(([key, { size }]) => [key, new Float32Array(size)]),
      ),
      x0: wave(0.1),
      noise: wave(0.7),
      t: one,
      weight: one,
      total_weight: new Float32Array([batch]),
      guidance_scale: one,
    }
    const step = await nodeRuntime({ threads: 1 }).compile(program)
    const losses: number[] = []
    for (let i = 0; i < 2; i++) {
      const { loss, gradient } = await step.run({ ...inputs, parameters })
      losses.push((loss as Float32Array)[0]!)
      const norm = Math.sqrt((gradient as Float32Array).reduce((sum, value) => sum + value * value, 0))
      for (const [k, value] of (gradient as Float32Array).entries()) parameters[k]! -= (0.3 * value) / norm
    }
    await step.release()
    expect(losses.every(Number.isFinite)).toBe(true)
    expect(losses.at(-1)!).toBeLessThan(losses[0]!)
  })
})
