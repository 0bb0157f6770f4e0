import { describe, expect, it } from 'vitest'
import {
  type Denoiser,
  karrasPosition,
  karrasSigma,
  noised,
  perPicture,
  SOLVERS,
} from '../diffusion/index.js'
import {
  bell,
  compute,
  contextOf,
  denoiserOf,
  generator,
  kolmogorov,
  mixture,
  RANGE,
} from '../diffusion/testing.js'
import { grad, type Tensor } from '../tensor/index.js'
import { ecd } from './ecd.js'
import { exactStudent, lossOf, noise, onBatch, PICTURES, t, x0 } from './testing.js'
import { stepsDown } from './trajectory.js'

const { sigma_min, sigma_max } = RANGE
const bottom = t.map(() => sigma_min)

describe('what it was before it became a method of its own', () => {
  it('draws the same noise levels', () => {
    const draws = Array.from({ length: 8 }, (_, seed) =>
      ecd.times(generator(seed), { range: RANGE, progress: 0.3 }, ecd.options),
    )
    expect(draws.map(({ t }) => t)).toEqual([
      8, 5.145082617084681, 7.179772697932097, 8, 7.9611465128620695, 5.684532474138713, 3.0353206962551456,
      8,
    ])
    for (const { r, s } of draws) expect([r, s]).toEqual([sigma_min, undefined])
  })

  it.each([
    {
      solver: 'dpmpp_2m',
      losses: [0.08858326305305998, 0.41159382423530255, 0.6225964837721978],
      slope: 1.028545673712859,
    },
    {
      solver: 'heun',
      losses: [0.16867723766135254, 0.3861976589926488, 0.6780607606474084],
      slope: 1.2050058212571544,
    },
    {
      solver: 'ddim',
      losses: [0.23880656382737425, 0.47406524466583233, 0.8051173709936205],
      slope: 1.128184685676158,
    },
  ] as const)('has the same losses and the same gradient: $solver', ({ solver, losses, slope }) => {
    /** Wrong by θ at high levels, and the identity at sigma_min. */
    const student = (theta: Tensor): Denoiser => ({
      range: RANGE,
      denoise(x, sigma) {
        const error = denoiserOf(mixture).denoise(x, sigma).sub(x).add(theta)
        return x.add(error.mul(perPicture(sigma.sub(sigma_min).div(sigma.add(1)), x)))
      },
    })
    const found = compute(
      { x0: [PICTURES, x0], noise: [PICTURES, noise], t: [[3], [8, 5, 3]], theta: [[], [0.125]] },
      ({ x0, noise, t, theta }) => {
        const r = t!.zerosLike().add(sigma_min)
        const teacher = denoiserOf(mixture)
        const context = contextOf({
          student: student(theta!),
          teacher,
          x0: x0!,
          noise: noise!,
          t: t!,
          r,
        })
        const loss = ecd.loss(context, { ...ecd.options, solver })
        return { loss, slope: grad(loss.sum(), [theta!])[0]! }
      },
    )
    // Constants are float32: the step is one of them now, and was a difference of inputs.
    for (const [i, value] of losses.entries())
      expect(Math.abs(found.loss![i]! / value - 1)).toBeLessThan(1e-6)
    expect(Math.abs(found.slope![0]! / slope - 1)).toBeLessThan(1e-6)
  })
})

describe('the loss', () => {
  it.each([
    { solver: 'ddim', order: 1 },
    { solver: 'heun', order: 2 },
    { solver: 'dpmpp_2m', order: 2 },
  ] as const)(
    'of exact models vanishes with power $order of the teacher’s step: $solver',
    ({ solver, order }) => {
      const [coarse, fine] = [32, 64].map(
        (substeps) =>
          onBatch({ r: bottom }, (inputs) => ({
            loss: lossOf(
              ecd,
              { ...inputs, student: exactStudent(bell), teacher: denoiserOf(bell) },
              { solver, substeps, points: 1, huber: 0 },
            ),
          })).loss!,
      )
      for (const [i, value] of coarse!.entries()) {
        expect(value).toBeGreaterThan(1e-6)
        expect(Math.abs(Math.log2(value / fine![i]!) - order)).toBeLessThan(0.25)
      }
    },
  )

  it('learns at several points of the teacher’s trajectory, each towards its end', () => {
    const options = { ...ecd.options, solver: 'heun', substeps: 6, points: 3 } as const
    const { loss, ...seen } = onBatch({ r: bottom }, (inputs) => {
      const { x0, noise, t } = inputs
      const calls: { x: Tensor; sigma: Tensor; condition: unknown }[] = []
      const recording: Denoiser = {
        range: RANGE,
        denoise(x, sigma, condition) {
          calls.push({ x, sigma, condition })
          return exactStudent(bell).denoise(x, sigma)
        },
      }
      const condition = { condition: x0.reshape([3, 1, 2]) }
      const context = contextOf({ ...inputs, student: recording, teacher: denoiserOf(bell), condition })
      const loss = ecd.loss(context, options)
      // The end itself is the target: the network is not asked for it.
      expect(calls).toHaveLength(1)
      const levels = stepsDown(t, 6, RANGE)
      const points = SOLVERS.heun.trajectory(denoiserOf(bell), noised(x0, noise, t), levels, {})
      expect(points).toHaveLength(7)
      return {
        loss,
        x: calls[0]!.x,
        sigma: calls[0]!.sigma,
        told: (calls[0]!.condition as typeof condition).condition,
        ...Object.fromEntries(
          points.flatMap(({ x, sigma }, i) => [
            [`x${i}`, x],
            [`sigma${i}`, sigma],
          ]),
        ),
      }
    })
    expect(seen.x).toEqual([...seen.x0!, ...seen.x2!, ...seen.x4!])
    expect(seen.sigma).toEqual([...seen.sigma0!, ...seen.sigma2!, ...seen.sigma4!])
    expect(seen.told).toEqual([...x0, ...x0, ...x0])
    // One loss for each picture, and as many points as there are.
    expect(loss).toHaveLength(3)
    const all = (points: number) =>
      onBatch({ r: bottom }, (inputs) => ({
        loss: lossOf(
          ecd,
          { ...inputs, student: exactStudent(bell), teacher: denoiserOf(bell) },
          { substeps: 6, points },
        ),
      })).loss
    expect(all(64)).toEqual(all(6))
    expect(all(3)).not.toEqual(all(6))
  })
})

describe('the noise levels', () => {
  const COUNT = 4000
  const LIMIT = 1.95 / Math.sqrt(COUNT)
  const position = (sigma: number): number => karrasPosition(sigma, RANGE)
  const draw = (options: Partial<typeof ecd.options>, count = COUNT) => {
    const random = generator(11)
    return Array.from({ length: count }, () =>
      ecd.times(random, { range: RANGE, progress: 0 }, { ...ecd.options, ...options }),
    )
  }

  it.each([0, 0.25, 1])('are exactly sigma_max for the share `top`: %d', (top) => {
    const share = draw({ top }).filter(({ t }) => t === sigma_max).length / COUNT
    expect(Math.abs(share - top)).toBeLessThanOrEqual(4 * Math.sqrt((top * (1 - top)) / COUNT))
  })

  it.each([
    { points: 1, substeps: 8 },
    { points: 4, substeps: 4 },
    { points: 4, substeps: 16 },
    { points: 8, substeps: 2 },
  ])('are even over all points taken together: $points of $substeps', ({ points, substeps }) => {
    const positions = draw({ top: 0, points, substeps }).map(({ t }) => position(t))
    const taken = Math.min(points, substeps)
    for (let i = 0; i < taken; i++) {
      const here = positions.map((u) => u + i / taken)
      expect(kolmogorov(here, (u) => Math.min(1, Math.max(0, u * taken - i)))).toBeLessThan(LIMIT)
    }
  })

  it('lead the teacher on in steps as long as from sigma_max', () => {
    const sigma = karrasSigma(0.2, RANGE)
    const found = compute({ t: [[1], [sigma]] }, ({ t }) =>
      Object.fromEntries(stepsDown(t!, ecd.options.substeps, RANGE).map((level, i) => [`${i}`, level])),
    )
    for (const i of [0, 1, 2, 3, 4, 5, 6]) expect(position(found[i]![0]!)).toBeCloseTo(0.2 + i / 8, 6)
    expect(position(found[8]![0]!)).toBeCloseTo(1, 9)
  })
})
