import { objective, perPicture } from '../diffusion/index.js'
import { neighbours } from './discretization.js'
import { DISTANCES, type DistanceName, distance } from './distance.js'
import { odeStep } from './ode.js'

/**
 * Consistency distillation (Song et al. 2023, algorithm 2): one step of the teacher's ODE leads from level n + 1 of a
 * Karras grid of N levels to level n, where the student's moving average gives the target. λ(σ) = 1.
 */
export const cd = objective({
  name: 'cd',
  about: 'consistency distillation (Song et al. 2023)',
  teacher: true,
  kind: 'student',
  parametrization: 'consistency',
  choices: { solver: ['euler', 'heun'], distance: DISTANCES },
  options: {
    N: 18,
    solver: 'heun' as 'euler' | 'heun',
    mu: 0.95,
    distance: 'l2' as DistanceName,
    huber: 0.00054,
  },
  target_ema: (_, { mu }) => mu,
  times: (random, { range }, { N }) => neighbours(random.integer(N - 1), N, range),
  loss({ student, target, teacher, x0, noise, t, r, condition, features }, { solver, huber, ...options }) {
    const x_t = x0.add(noise.mul(perPicture(t)))
    const x_r = odeStep(teacher!, x_t, t, r, condition, solver)
    const goal = target.denoise(x_r, r, condition).stopGradient()
    return distance(options.distance, student.denoise(x_t, t, condition), goal, { huber, features })
  },
})
