import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { namedScope, network, networkConfig, networkLayout } from '../nn/index.js'
import type { Shape } from '../tensor/index.js'
import { type Denoiser, EDM, guided, jump, networkDenoiser } from './denoiser.js'
import { perPicture } from './per-picture.js'
import { compute, generator, RANGE } from './testing.js'

/** D = x/(1 + σ) + (mean of the condition's squares) + w, if a w comes with the condition. */
const denoiser: Denoiser = {
  range: RANGE,
  denoise(x, sigma, { condition, guidance_scale } = {}) {
    const shift = condition!.sumSquares([1, 2])
    return x
      .mul(perPicture(sigma.add(1).reciprocal(), x))
      .add(perPicture(guidance_scale ? shift.add(guidance_scale) : shift, x))
  },
}

const x = [3, -2, 1, 5, 0, -1]
const sigma = [0.5, 1, 2]
const named = [1, 2, 0, -1, 3, 1]
const dropped = [0.5, 0, 1, 0, -1, 2]

/** Outputs for the named condition, for the dropped one, and guided with scales w: three pictures of two pixels. */
const outputs = (w: readonly number[]) =>
  compute(
    {
      x: [[3, 1, 1, 2], x],
      sigma: [[3], sigma],
      named: [[3, 1, 2], named],
      dropped: [[3, 1, 2], dropped],
      w: [[3], w],
    },
    ({ x, sigma, named, dropped, w }) => ({
      conditional: denoiser.denoise(x!, sigma!, { condition: named! }),
      unconditional: denoiser.denoise(x!, sigma!, { condition: dropped! }),
      guided: guided(denoiser, { condition: dropped! }, w!).denoise(x!, sigma!, { condition: named! }),
    }),
  )

describe('guided', () => {
  it('is the conditional denoiser at w = 1 and the unconditional one at w = 0', () => {
    const one = outputs([1, 1, 1])
    expect(one.guided).toEqual(one.conditional)
    expect(one.guided).not.toEqual(one.unconditional)
    const none = outputs([0, 0, 0])
    expect(none.guided).toEqual(none.unconditional)
  })

  it('extrapolates linearly in w, in each picture by its own', () => {
    const someScale = fc.double({ min: -5, max: 15, noNaN: true })
    fc.assert(
      fc.property(fc.array(someScale, { minLength: 3, maxLength: 3 }), (w) => {
        const { guided, conditional, unconditional } = outputs(w)
        for (const [i, value] of guided!.entries()) {
          const scale = w[Math.floor(i / 2)]!
          expect(value).toBeCloseTo((1 - scale) * unconditional![i]! + scale * conditional![i]!, 10)
        }
      }),
    )
  })

  it('keeps the rest of the condition in both evaluations, and the range', () => {
    const { plain, more } = compute(
      { x: [[3, 1, 1, 2], x], sigma: [[3], sigma], named: [[3, 1, 2], named], w: [[3], [2, 3, 4]] },
      ({ x, sigma, named, w }) => {
        const both = guided(denoiser, { condition: named!.neg() }, w!)
        return {
          plain: both.denoise(x!, sigma!, { condition: named! }),
          more: both.denoise(x!, sigma!, { condition: named!, guidance_scale: sigma! }),
        }
      },
    )
    for (const [i, value] of more!.entries())
      expect(value - plain![i]!).toBeCloseTo(sigma[Math.floor(i / 2)]!, 10)
    expect(guided(denoiser, {} as never, {} as never).range).toBe(RANGE)
  })
})

describe('networkDenoiser', () => {
  const config = networkConfig.parse({
    type: 'hourglass',
    resolution: 2,
    channels: 1,
    patch_size: 1,
    levels: [{ width: 4, depth: 1, heads: 2, window: 2 }],
    mlp_ratio: 2,
    embedding: {
      width: 4,
      token_width: 3,
      guidance_embedding: true,
      jump_embedding: true,
      condition: { kind: 'text', vocabulary: 3, tokens: 2 },
    },
  })
  const random = generator(2)
  const some = (shape: Shape) =>
    [shape, Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal())] as const
  const weights = Object.fromEntries(
    networkLayout(config).specs.map(({ name, shape }) => [name, some(shape)]),
  )
  const x = [2, 1, 2, 2]
  const sigma = [0.25, 3]

  it.each([false, true])('is c_skip·x + c_out·F(c_in·x; ¼ ln σ), with a boundary: %s', (boundary) => {
    const scales = sigma.map((s) => 1 / Math.sqrt(s ** 2 + 0.25))
    const above = sigma.map((s) => (boundary ? s - RANGE.sigma_min : s))
    const inputs = {
      x: some(x),
      sigma: [[2], sigma] as const,
      condition: some([2, 2, 3]),
      guidance_scale: [[2], [2, 3]] as const,
      negative: some([2, 2, 3]),
      s: [[2], [0.125, 2]] as const,
      c_in: [[2], scales] as const,
      c_noise: [[2], sigma.map((s) => Math.log(s) / 4)] as const,
      ...weights,
    }
    const { denoised, F } = compute(inputs, (tensors) => {
      const { x, sigma, condition, guidance_scale, negative, s, c_in, c_noise } = tensors
      const scope = namedScope(tensors)
      const given = { condition: condition!, guidance_scale: guidance_scale!, negative: negative! }
      return {
        denoised: networkDenoiser(scope, { ...RANGE, ...EDM, network: config, boundary }).denoise(
          x!,
          sigma!,
          {
            ...given,
            s: s!,
          },
        ),
        F: network(
          scope,
          {
            x: x!.mul(perPicture(c_in!, x!)),
            c_noise: c_noise!,
            c_jump: s!
              .div(RANGE.sigma_data)
              .atan()
              .mul(2 / Math.PI),
            ...given,
          },
          config,
        ),
      }
    })
    for (const [i, value] of denoised!.entries()) {
      const k = Math.floor(i / 4)
      const c_skip = 0.25 / (above[k]! ** 2 + 0.25)
      const c_out = above[k]! * 0.5 * scales[k]!
      expect(Math.abs(F![i]!)).toBeGreaterThan(1e-3)
      expect(value).toBeCloseTo(c_skip * inputs.x[1][i]! + c_out * F![i]!, 10)
    }
  })
})

describe('jump', () => {
  it('is a DDIM step with what the denoiser says of t and s; to t itself it stays', () => {
    // A denoiser that says s·1.
    const telling: Denoiser = {
      range: RANGE,
      denoise: (x, _, { s } = {}) => x.zerosLike().add(perPicture(s!, x)),
    }
    const { y, still } = compute(
      {
        x: [
          [2, 1, 1, 1],
          [4, -2],
        ],
        t: [[2], [2, 8]],
        s: [[2], [1, 2]],
      },
      ({ x, t, s }) => ({ y: jump(telling, x!, t!, s!, {}), still: jump(telling, x!, t!, t!, {}) }),
    )
    expect(y).toEqual([1 + (4 - 1) / 2, 2 + (-2 - 2) / 4])
    expect(still).toEqual([4, -2])
  })
})
