import { choice, noised, number, objective, odeStep, share, whole } from '../diffusion/index.js'
import { neighbours } from './discretization.js'
import { DISTANCES, distance } from './distance.js'
import { atTop, TOP } from './start.js'

/**
 * Consistency distillation (Song et al. 2023, algorithm 2): one step of the teacher's ODE leads from level n + 1 of a
 * Karras grid of N levels to level n, where the student's moving average gives the target. λ(σ) = 1.
 *
 * Times: the paper draws n evenly; here a share `top` begins at sigma_max (see start.ts). N is the paper's for CIFAR-10,
 * μ that for ImageNet, and the distance l2 in place of LPIPS: docs/methods.md says why.
 */
export const cd = objective({
  name: 'cd',
  about: 'consistency distillation (Song et al. 2023)',
  teacher: true,
  kind: 'student',
  boundary: true,
  options: {
    N: whole(18, { least: 3 }),
    top: share(TOP),
    solver: choice('heun', ['ddim', 'heun']),
    mu: number(0.95, { least: 0, most: 0.999999 }),
    distance: choice('l2', DISTANCES),
    huber: number(0.00054, { above: 0 }),
  },
  target_ema: (_, { mu }) => mu,
  times(random, { range }, { N, top }) {
    const start = atTop(random, top)
    const i = random.integer(N - 1)
    return neighbours(start ? 0 : i, N, range)
  },
  loss({ student, target, teacher, x0, noise, t, r, condition, features }, { solver, huber, ...options }) {
    const x_t = noised(x0, noise, t)
    const x_r = odeStep(teacher!, x_t, t, r, condition, solver)
    const goal = target.denoise(x_r, r, condition).stopGradient()
    return distance(options.distance, student.denoise(x_t, t, condition), goal, { huber, features })
  },
})
