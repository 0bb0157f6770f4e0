/** Distribution matching, where all densities are Gaussian and all scores are known in closed form. */
import { describe, expect, it } from 'vitest'
import {
  type Denoiser,
  type DenoiserConfig,
  diffusion,
  type LossContext,
  perPicture,
} from '../diffusion/index.js'
import { bell, compute, contextOf, denoiserOf, generator, RANGE } from '../diffusion/testing.js'
import { type NetworkConfig, namedScope, networkLayout } from '../nn/index.js'
import { constant, grad, type Tensor } from '../tensor/index.js'
import { dmd } from './dmd.js'
import { multistepSigmas } from './sampler.js'
import { type Second, secondNetwork } from './second.js'
import { type Inputs, noise, onBatch, secondOf, t, x0 } from './testing.js'

const [mean, std] = [bell.means[0]!, bell.std]
const renoise = [-0.25, 1.5, 0.75, -1, 2, 0.5]
/** Levels that the pictures are painted from: noise alone, and noised pictures. */
const start = [8, 0.5, 2]

/** Paints a + b·z, whatever it is given beside the noise z: then its pictures are of the distribution N(a, b²). */
const painter = (a: Tensor, b: Tensor, z: Tensor): Denoiser => ({
  range: RANGE,
  denoise: () => a.add(z.mul(b)),
})

/** Knows pictures to be N(a, b²). */
const knows = (a: Tensor, b: Tensor): Denoiser => ({
  range: RANGE,
  denoise(x, sigma) {
    const variance = b.square()
    return a.add(x.sub(a).mul(variance.div(variance.add(perPicture(sigma, x).square()))))
  },
})

const options = { ...dmd.options }
const contextFor = (
  inputs: Inputs,
  student: Denoiser,
  second: Denoiser,
  more: Partial<LossContext<Second>> = {},
): LossContext<Second> =>
  contextOf({
    ...inputs,
    student,
    teacher: denoiserOf(bell),
    own: secondOf(second),
    start: constant(start, [3]),
    ...more,
  }) as LossContext<Second>

/** Loss and gradients where the student paints N(a, b²), and the second network knows it to be N(c, d²). */
const at = (a: number, b: number, c = a, d = b) =>
  onBatch(
    { r: t },
    (inputs) => {
      const { a, b, c, d } = inputs as Record<string, Tensor> as Record<'a' | 'b' | 'c' | 'd', Tensor>
      const middle = constant(mean, [1, 1, 1, 2])
      const student = painter(a.add(middle), b, inputs.noise)
      const context = contextFor(inputs, student, knows(c.add(middle), d), { renoise: inputs.renoise! })
      const [loss, own_loss] = [dmd.loss(context, options), dmd.own_loss!(context, options)]
      const [ofA, ofB, ofC, ofD] = grad(loss.sum(), [a, b, c, d])
      const [ownA, ownB, ownC, ownD] = grad(own_loss.sum(), [a, b, c, d])
      return {
        loss,
        own_loss,
        student: ofA!.reshape([1]).concat([ofB!.reshape([1])], 0),
        leaked: ofC!.reshape([1]).concat([ofD!.reshape([1])], 0),
        own: ownC!.reshape([1]).concat([ownD!.reshape([1])], 0),
        own_leaked: ownA!.reshape([1]).concat([ownB!.reshape([1])], 0),
      }
    },
    { a: [a], b: [b], c: [c], d: [d], renoise },
  )

/** The same in plain numbers: the pictures, and what the gradient adds to each of their pixels. */
const byHand = (a: number, b: number) => {
  const pull = (variance: number, sigma: number) => variance / (variance + sigma ** 2)
  return t.map((sigma, i) => {
    const pixels = [0, 1].map((k) => {
      const z = noise[2 * i + k]!
      const x = mean[k]! + a + b * z
      const x_t = x + sigma * renoise[2 * i + k]!
      const T = mean[k]! + pull(std ** 2, sigma) * (x_t - mean[k]!)
      const S = mean[k]! + a + pull(b ** 2, sigma) * (x_t - mean[k]! - a)
      return { z, gap: S - T, off: Math.abs(x - T) }
    })
    const unit = (pixels[0]!.off + pixels[1]!.off) / 2 + 1e-6
    return pixels.map(({ z, gap }) => ({ z, g: gap / unit }))
  })
}

describe('the student’s gradient', () => {
  it('is the difference of the scores, in units of the picture’s own distance to what the teacher sees', () => {
    for (const [a, b] of [
      [0.25, 0.5],
      [-0.5, 0.5],
      [0, 0.25],
      [0.125, 1],
    ] as const) {
      const pictures = byHand(a, b)
      const { loss, student, leaked } = at(a, b)
      for (const [i, pixels] of pictures.entries())
        expect(loss![i]).toBeCloseTo(0.25 * (pixels[0]!.g ** 2 + pixels[1]!.g ** 2), 10)
      const pixels = pictures.flat()
      expect(student![0]).toBeCloseTo(
        pixels.reduce((sum, { g }) => sum + g / 2, 0),
        9,
      )
      expect(student![1]).toBeCloseTo(
        pixels.reduce((sum, { g, z }) => sum + (g * z) / 2, 0),
        9,
      )
      expect(leaked).toEqual([0, 0])
    }
  })

  it('is that of the distance to a goal that stays where it is', () => {
    const [a, b, h] = [0.25, 0.75, 1e-5]
    const pictures = byHand(a, b)
    // With x = m + a + b·z: ½ mean (x − (x₀ − g))², where x₀ and g are those at (a, b).
    const distance = (da: number, db: number) =>
      pictures.flat().reduce((sum, { z, g }) => sum + (da + db * z + g) ** 2 / 4, 0)
    const { student } = at(a, b)
    expect(student![0]).toBeCloseTo((distance(h, 0) - distance(-h, 0)) / (2 * h), 7)
    expect(student![1]).toBeCloseTo((distance(0, h) - distance(0, -h)) / (2 * h), 7)
  })

  it('vanishes for a student that paints what the teacher does', () => {
    const { loss, student } = at(0, std)
    for (const value of [...loss!, ...student!]) expect(Math.abs(value)).toBeLessThan(1e-12)
  })

  it('is in proportion to the error of a student that paints beside it', () => {
    const gaps = (a: number) => {
      // The unit depends on the picture; without it the gradient is linear.
      const { loss } = at(a, std)
      return loss!.map((value, i) => {
        const [p, q] = byHand(a, std)[i]!
        return Math.sign(p!.g + q!.g) * Math.sqrt(value)
      })
    }
    for (const [i, value] of gaps(1e-4).entries()) {
      expect(gaps(2e-4)[i]! / value).toBeCloseTo(2, 2)
      expect(gaps(-1e-4)[i]! / value).toBeCloseTo(-1, 2)
    }
  })

  it('asks for the second network’s word, and for nothing else', () => {
    // A student that is thought to paint beside where it does is sent the other way.
    expect(at(0, std, 0.5).student![0]).toBeGreaterThan(0)
    expect(at(0, std, -0.5).student![0]).toBeLessThan(0)
  })
})

it('a student that follows the gradient, with a second network that follows it, comes to paint what the teacher does', () => {
  const random = generator(5)
  for (const [first, spread] of [
    [1, 0.1],
    [-0.75, 1.5],
  ] as const) {
    let [a, b] = [first, spread]
    for (let step = 0; step < 150; step++) {
      const draw = () => Array.from({ length: 64 }, () => random.normal())
      const [z, again, levels] = [
        draw(),
        draw(),
        Array.from({ length: 32 }, () => dmdLevel(random.uniform())),
      ]
      const pictures = [32, 1, 1, 2]
      const { gradient } = compute(
        {
          a: [[], [a]],
          b: [[], [b]],
          z: [pictures, z],
          renoise: [pictures, again],
          t: [[32], levels],
        },
        ({ a, b, z, renoise, t }) => {
          const middle = constant(mean, [1, 1, 1, 2])
          const context = contextOf({
            student: painter(a!.add(middle), b!, z!),
            teacher: denoiserOf(bell),
            own: secondOf(knows(a!.add(middle), b!)),
            x0: z!,
            noise: z!,
            t: t!,
            r: t!,
            start: t!,
            renoise: renoise!,
          }) as LossContext<Second>
          const loss = dmd.loss(context, options).mean()
          return {
            gradient: grad(loss, [a!, b!])[0]!
              .reshape([1])
              .concat([grad(loss, [b!])[0]!.reshape([1])], 0),
          }
        },
      )
      const rate = 0.1 * 0.98 ** step
      a -= rate * gradient![0]!
      b -= rate * gradient![1]!
    }
    expect(Math.abs(a)).toBeLessThan(0.05)
    expect(Math.abs(b - std)).toBeLessThan(0.05)
  }
})

const dmdLevel = (u: number): number => {
  const random = { uniform: () => u } as unknown as Parameters<typeof dmd.times>[0]
  return dmd.times(random, { range: RANGE, progress: 0 }, options).t
}

describe('the second network’s loss', () => {
  it('is that of a diffusion model of what the student paints', () => {
    const [a, b, c, d] = [0.25, 0.75, -0.25, 0.5]
    const { own_loss } = at(a, b, c, d)
    const { expected } = onBatch(
      { r: t },
      (inputs) => {
        const middle = constant(mean, [1, 1, 1, 2])
        return {
          expected: diffusion.loss(
            contextOf({
              ...inputs,
              x0: middle.add(a).add(inputs.noise.mul(b)),
              noise: inputs.renoise!,
              student: knows(middle.add(c), constant(d, [1, 1, 1, 1])),
            }),
            diffusion.options,
          ),
        }
      },
      { renoise },
    )
    expect(own_loss).toEqual(expected)
  })

  it('has a gradient for it and none for the student, and it is that of finite differences', () => {
    const [a, b, c, d, h] = [0.25, 0.75, -0.25, 0.5, 1e-5]
    const { own, own_leaked } = at(a, b, c, d)
    expect(own_leaked).toEqual([0, 0])
    const sum = (c: number, d: number) => at(a, b, c, d).own_loss!.reduce((x, y) => x + y)
    expect(own![0]).toBeCloseTo((sum(c + h, d) - sum(c - h, d)) / (2 * h), 6)
    expect(own![1]).toBeCloseTo((sum(c, d + h) - sum(c, d - h)) / (2 * h), 6)
  })
})

describe('what the student begins with', () => {
  const given = (levels: readonly number[]): number[] => {
    const seen: Tensor[] = []
    return onBatch({ r: t }, (inputs) => {
      const student: Denoiser = {
        range: RANGE,
        denoise(x) {
          seen.push(x)
          return x
        },
      }
      dmd.loss(contextFor(inputs, student, denoiserOf(bell), { start: constant(levels, [3]) }), options)
      return { begun: seen[0]! }
    }).begun!
  }

  it('is noise alone at the top, as when it paints, and training pictures with noise below', () => {
    const begun = given(start)
    for (const [k, value] of begun.entries()) {
      const level = start[Math.floor(k / 2)]!
      expect(value).toBeCloseTo((level < RANGE.sigma_max ? x0[k]! : 0) + level * noise[k]!, 12)
    }
  })

  it('lies at the sampler’s own levels, and at the top as often as it is told', () => {
    const random = generator(1)
    for (const steps of [1, 2, 4]) {
      const levels = multistepSigmas(steps, RANGE)
      const counts = new Map<number, number>()
      const drawn = Array.from({ length: 4000 }, () =>
        dmd.times(random, { range: RANGE, progress: 0 }, { ...options, steps, top: 0.4 }),
      )
      for (const { start } of drawn) counts.set(start!, (counts.get(start!) ?? 0) + 1)
      expect([...counts.keys()].sort((a, b) => b - a)).toEqual(levels)
      expect(Math.abs(counts.get(RANGE.sigma_max)! / 4000 - (steps === 1 ? 1 : 0.4))).toBeLessThan(0.03)
      // Judged at every level, as evenly as the Karras schedule.
      expect(drawn.filter(({ t }) => t < 1).length / 4000).toBeGreaterThan(0.3)
    }
  })
})

describe('the second network', () => {
  const network = (type: 'hourglass' | 'unet'): NetworkConfig => ({
    height: 4,
    width: 4,
    channels: 1,
    patch_size: 1,
    ...(type === 'hourglass'
      ? {
          type,
          mixing: 'neighbours',
          mlp_ratio: 1,
          levels: [
            { width: 4, depth: 1, heads: 1, window: 2 },
            { width: 8, depth: 1, heads: 1, window: 2 },
          ],
        }
      : {
          type,
          groups: 2,
          levels: [
            { width: 4, depth: 1, attention: 0 },
            { width: 8, depth: 1, attention: 1 },
          ],
        }),
    embedding: {
      width: 8,
      token_width: 4,
      condition: { kind: 'class', vocabulary: 3, tokens: 1 },
      guidance_embedding: false,
      jump_embedding: false,
    },
  })
  const config = (type: 'hourglass' | 'unet', guided = false): DenoiserConfig => {
    const { embedding, ...rest } = network(type)
    return {
      network: { ...rest, embedding: { ...embedding, guidance_embedding: guided } },
      parametrization: 'edm',
      ...RANGE,
    }
  }

  it.each(['hourglass', 'unet'] as const)('is the teacher at first, and undecided: %s', (type) => {
    const [student, teacher] = [config(type, true), config(type)]
    const part = secondNetwork(student, teacher, { head: true, updates: 5 })
    const teachers = networkLayout(teacher.network)
    const names = part.layout.specs.map(({ name }) => name)
    for (const { name } of teachers.specs) expect(names).toContain(`network.${name}`)
    // The student is told a guidance scale, and so is the second network.
    expect(names.some((name) => name.startsWith('network.embedding.guidance.'))).toBe(true)
    const [weights, flat] = [teachers.initialize(1), part.layout.initialize(2)]
    // What a fresh network leaves at 0 is not 0 in a trained one.
    for (const [i, value] of weights.entries()) if (value === 0) weights[i] = 0.1 * Math.sin(i)
    part.layout.adopt(flat, teachers, weights, part.beginsAs)
    const pieces = part.layout.unflatten(flat)
    for (const [name, values] of Object.entries(teachers.unflatten(weights)))
      expect(pieces[`network.${name}`]).toEqual(values)
    const scopeOf = (prefix: string, all: Record<string, Float32Array>, shapes: typeof part.layout) =>
      namedScope(
        Object.fromEntries(
          shapes.specs.map(({ name, shape }) => [prefix + name, constant(all[name]!, shape)]),
        ),
      )
    const inputs = {
      x: [[2, 1, 4, 4], Array.from({ length: 32 }, (_, i) => Math.sin(i))],
      sigma: [[2], [0.5, 3]],
      condition: [
        [2, 1, 3],
        [1, 0, 0, 0, 1, 0],
      ],
    } as const
    const { denoised, ours, real, painted } = compute(inputs, ({ x, sigma, condition }) => {
      const both = { condition: condition!, negative: condition!, guidance_scale: constant([1.5, 3], [2]) }
      const seen = part.of(scopeOf('', pieces, part.layout)).see(x!, sigma!, both)
      const plain = secondNetwork(teacher, teacher, { head: false, updates: 5 })
      const scope = scopeOf('network.', teachers.unflatten(weights), teachers)
      return {
        ours: seen.denoised,
        denoised: plain.of(scope).see(x!, sigma!, { condition: condition! }).denoised,
        real: seen.real!,
        painted: seen.painted!,
      }
    })
    for (const [i, value] of denoised!.entries()) expect(ours![i]).toBeCloseTo(value, 12)
    for (const value of [...real!, ...painted!]) expect(value).toBeCloseTo(-Math.LN2, 12)
  })

  it('has no head unless it is asked for one', () => {
    const named = (head: boolean) =>
      secondNetwork(config('hourglass'), config('hourglass'), { head, updates: 1 }).layout.specs.filter(
        ({ name }) => name.startsWith('head.'),
      )
    expect(named(false)).toEqual([])
    expect(named(true).length).toBeGreaterThan(0)
  })

  it('tells what is real from what is painted: the losses of both sides, and their gradients', () => {
    // The head looks at one number of a picture, by a weight w: ln p(real) = −softplus(−w·x), ln p(painted) = −softplus(w·x).
    const softplus = (x: Tensor): Tensor => x.exp().add(1).log()
    const judging = (w: Tensor): Second => ({
      see(x) {
        const logit = x.sum([1, 2, 3]).mul(w)
        return { denoised: x, real: softplus(logit.neg()).neg(), painted: softplus(logit).neg() }
      },
    })
    const gan = 0.5
    const both = (shift: number, w: number) =>
      onBatch(
        { r: t },
        (inputs) => {
          const { shift, w } = inputs as Record<string, Tensor> as Record<'shift' | 'w', Tensor>
          const student: Denoiser = { range: RANGE, denoise: (x) => x.mul(0.1).add(shift) }
          const weight = w.reshape([1])
          const context = contextFor(inputs, student, denoiserOf(bell), {
            own: judging(weight),
            // A teacher that sees what the second network does: nothing is left but the head's word.
            teacher: { range: RANGE, denoise: (x) => x },
          })
          const [loss, own_loss] = [
            dmd.loss(context, { ...options, gan }),
            dmd.own_loss!(context, { ...options, gan }),
          ]
          const [ofShift] = grad(loss.sum(), [shift])
          const [ownShift, ownW] = grad(own_loss.sum(), [shift, w])
          return { loss, own_loss, ofShift: ofShift!, ownShift: ownShift!, ownW: ownW! }
        },
        { shift: [shift], w: [w] },
      )
    const [shift, w, h] = [0.25, 0.5, 1e-5]
    const here = both(shift, w)
    const sumOf = (list: number[] | undefined) => list!.reduce((x, y) => x + y)
    expect(here.ofShift![0]).toBeCloseTo(
      (sumOf(both(shift + h, w).loss) - sumOf(both(shift - h, w).loss)) / (2 * h),
      6,
    )
    expect(here.ofShift![0]).toBeLessThan(0)
    expect(here.ownShift).toEqual([0])
    expect(here.ownW![0]).toBeCloseTo(
      (sumOf(both(shift, w + h).own_loss) - sumOf(both(shift, w - h).own_loss)) / (2 * h),
      6,
    )
    for (const value of both(shift, 0).loss!) expect(value).toBeCloseTo(gan * Math.LN2, 9)
  })
})
