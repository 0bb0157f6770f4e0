/** The methods' losses against their authors' formulas in PyTorch: numbers made by formulas.py, beside this file. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { METHODS } from '@onestroke/core/consistency'
import {
  boundary,
  type Denoiser,
  EDM,
  type LossContext,
  networkScales,
  noiseLevels,
  PREDICTIONS,
  perPicture,
} from '@onestroke/core/diffusion'
import { constant, interpret, type Shape, type Tensor, trace } from '@onestroke/core/tensor'
import { describe, expect, it } from 'vitest'
import { pythonLacks, runPython } from '../../packages/core/src/testing/python.js'

const script = fileURLToPath(new URL('./formulas.py', import.meta.url))
type Network = Readonly<Record<'A' | 'b' | 'd' | 'E' | 'e', number[]>>
interface Fixture {
  readonly networks: Readonly<Record<'student' | 'target' | 'teacher', Network>>
  readonly losses: Readonly<Record<string, number[]>>
  readonly x0: number[]
  readonly noise: number[]
  readonly t: number[]
  readonly r: number[]
  readonly s: number[]
}
const fixture = JSON.parse(readFileSync(new URL('./formulas.json', import.meta.url), 'utf8')) as Fixture

const range = { sigma_min: 1 / 64, sigma_max: 8, sigma_data: 0.5 }

/** F(x, c) = tanh(x A + c b + d) E as a denoiser. */
const denoiserOf = ({ A, b, d, E, e }: Network, student: boolean, flow_map: boolean): Denoiser => ({
  range,
  denoise(x, sigma, { s } = {}) {
    const levels = noiseLevels(sigma, range.sigma_data)
    const { c_skip, c_out } = student
      ? boundary(PREDICTIONS.edm, levels, range.sigma_min)
      : PREDICTIONS.edm.scalings(levels)
    const { c_in, c_noise } = networkScales(EDM.path, levels)
    const rows = x.mul(perPicture(c_in, x)).reshape([-1, 2])
    const count = rows.shape[0]!
    let hidden = rows
      .matmul(constant(A, [2, 5]))
      .add(c_noise.reshape([count, 1]).mul(constant(b, [1, 5])))
      .add(constant(d, [1, 5]))
    if (flow_map) {
      const c_jump = (s ?? sigma)
        .div(range.sigma_data)
        .atan()
        .mul(2 / Math.PI)
      hidden = hidden.add(c_jump.reshape([count, 1]).mul(constant(e, [1, 5])))
    }
    const F = hidden
      .tanh()
      .matmul(constant(E, [5, 2]))
      .reshape(x.shape)
    return x.mul(perPicture(c_skip, x)).add(F.mul(perPicture(c_out, x)))
  },
})

const CASES: readonly { name: string; method: string; options?: object; teacher?: false }[] = [
  ...['cd', 'ct', 'ict', 'ect', 'lcm', 'scd'].map((name) => ({ name, method: name })),
  { name: 'scd with prior weighting', method: 'scd', options: { prior: true } },
  { name: 'sct', method: 'sct' },
  { name: 'soflow of a teacher', method: 'soflow' },
  { name: 'soflow of data', method: 'soflow', teacher: false },
  { name: 'meanflow of a teacher', method: 'meanflow' },
  { name: 'meanflow of data', method: 'meanflow', teacher: false },
  { name: 'meanflow of data, first form', method: 'meanflow', teacher: false, options: { improved: false } },
]

describe('the losses are those of the authors’ formulas', () => {
  it.each(CASES)('$name', ({ name, method: named, options = {}, teacher = true }) => {
    const method = METHODS[named]!
    const { networks, losses, x0, noise, t, r, s } = fixture
    const pictures: Shape = [4, 1, 1, 2]
    const specs = { x0: pictures, noise: pictures, t: [4], r: [4], s: [4] }
    const student = (who: 'student' | 'target') =>
      denoiserOf(networks[who], method.boundary, method.flow_map === true)
    const program = trace(specs, (inputs) => {
      const context: LossContext = {
        ...(inputs as Record<'x0' | 'noise' | 't' | 'r' | 's', Tensor>),
        student: student('student'),
        target: student('target'),
        ...(method.teacher && teacher && { teacher: denoiserOf(networks.teacher, false, false) }),
        condition: {},
        // Three quarters of the tangent's warm-up.
        progress: constant(0.075),
        own: (sigma: Tensor) => sigma.zerosLike(),
      }
      // A power of 1 would divide the loss nearly away.
      return { losses: method.loss(context, { ...method.options, power: 0.5, ...options }) }
    })
    const ours = interpret(program, { x0, noise, t, r, s }).losses!
    // Constants are float32 here and float64 there.
    for (const [i, value] of losses[name]!.entries())
      expect(Math.abs(ours[i]! - value)).toBeLessThan(3e-7 * (1 + Math.abs(value)))
  })

  it('covers all formulas that there are', () => {
    expect(CASES.map(({ name }) => name)).toEqual(Object.keys(fixture.losses))
  })

  it('and the numbers are those that the script makes', (context) => {
    const lacking = pythonLacks('torch')
    context.skip(lacking !== undefined, lacking)
    const fresh = runPython<Fixture>([script])
    expect(fresh.x0).toEqual(fixture.x0)
    for (const [name, values] of Object.entries(fixture.losses))
      for (const [i, value] of values.entries()) expect(fresh.losses[name]![i]).toBeCloseTo(value, 10)
  })
})
