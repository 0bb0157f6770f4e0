/** Methods, guidance, jumps and ODE steps do not know how many axes a picture has. */
import { describe, expect, it } from 'vitest'
import {
  type Denoiser,
  diffusion,
  guided,
  jump,
  noised,
  type Objective,
  odeStep,
  perPicture,
  SOLVERS,
} from '../diffusion/index.js'
import { compute, contextOf, denoiserOf, generator, mixture, RANGE } from '../diffusion/testing.js'
import { grad, input, type Shape, type Tensor } from '../tensor/index.js'
import { METHODS } from './index.js'
import { ownFor } from './testing.js'

/** Three pictures of as many channels as there are pictures, where a wrong axis would not be noticed by its size. */
const SHAPES: readonly Shape[] = [
  [3, 3, 8],
  [3, 3, 2, 4],
  [3, 3, 2, 2, 2],
]
const FLAT: Shape = [3, 24]

const random = generator(5)
const some = (count: number): number[] => Array.from({ length: count }, () => random.normal())
const x0 = some(72)
const noise = some(72)
const t = [0.5, 2, 8]
const r = [0.25, 1.5, 1]
const s = [0.125, 1, 0.5]

/** A mixture of pictures with 24 values. */
const data = {
  ...mixture,
  means: mixture.means.map((mean) => Array.from({ length: 24 }, (_, i) => mean[i % 2]!)),
}

/** Wrong by θ times its input, so that there is a gradient. */
const student = (theta: Tensor): Denoiser => ({
  range: RANGE,
  denoise: (x, sigma) =>
    denoiserOf(data)
      .denoise(x, sigma)
      .add(x.mul(perPicture(sigma, x)).mul(theta)),
})

const inputsOf = (shape: Shape) =>
  ({
    x0: [shape, x0],
    noise: [shape, noise],
    t: [[3], t],
    r: [[3], r],
    s: [[3], s],
    theta: [[], [0.1]],
  }) as const

const lossAndGradient = (method: Objective, shape: Shape) =>
  compute(inputsOf(shape), ({ x0, noise, t, r, s, theta }) => {
    const loss = method.loss(
      contextOf({
        student: student(theta!),
        teacher: denoiserOf(data),
        // Another distribution than the teacher's: where the two agree, a student's own pictures teach it nothing.
        own: ownFor(method, { ...data, std: 0.5 }),
        x0: x0!,
        noise: noise!,
        t: t!,
        r: r!,
        s: s!,
      }),
      method.options,
    )
    return { loss, gradient: grad(loss.sum(), [theta!])[0]! }
  })

describe.each([diffusion as unknown as Objective, ...Object.values(METHODS)])('$name', (method) => {
  it.each(SHAPES.map((shape) => ({ shape })))(
    'has the loss and the gradient of flat pictures: $shape',
    ({ shape }) => {
      const flat = lossAndGradient(method, FLAT)
      const got = lossAndGradient(method, shape)
      expect(flat.gradient![0]).not.toBe(0)
      for (const name of ['loss', 'gradient'])
        for (const [i, value] of got[name]!.entries()) expect(value).toBeCloseTo(flat[name]![i]!, 10)
    },
  )
})

describe.each(SHAPES.map((shape) => ({ shape })))('pictures of $shape', ({ shape }) => {
  const run = (of: Shape) =>
    compute(inputsOf(of), (inputs) => {
      const [x0, noise, t, r, s] = ['x0', 'noise', 't', 'r', 's'].map((name) => inputs[name]!) as Tensor[]
      const teacher = denoiserOf(data)
      const x = noised(x0!, noise!, t!)
      const scale = r!.add(1)
      return {
        x,
        jump: jump(teacher, x, t!, s!, {}),
        heun: odeStep(teacher, x, t!, r!, {}, 'heun'),
        path: SOLVERS.dpmpp_2m.trajectory(teacher, x, [t!, r!, s!], {}).at(-1)!.x,
        guided: guided(teacher, {}, scale).denoise(x, t!, {}),
      }
    })

  it('are noised, jump and follow the ODE as flat ones do', () => {
    const flat = run(FLAT)
    const got = run(shape)
    expect(Object.keys(got)).toEqual(['x', 'jump', 'heun', 'path', 'guided'])
    for (const [name, values] of Object.entries(got))
      for (const [i, value] of values.entries()) expect(value).toBeCloseTo(flat[name]![i]!, 10)
  })
})

describe('perPicture', () => {
  it('refuses what is not one number for each picture', () => {
    const like = input('x', [3, 3, 2, 4, 4])
    expect(perPicture(input('t', [3]), like).shape).toEqual([3, 1, 1, 1, 1])
    for (const shape of [[4], [3, 1], []])
      expect(() => perPicture(input('t', shape), like)).toThrow(
        'is not one number for each picture of [3, 3, 2, 4, 4]',
      )
  })
})
