import { noised, objective } from '../diffusion/index.js'
import { neighbours } from './discretization.js'
import { DISTANCES, type DistanceName, distance } from './distance.js'
import { odeStep } from './ode.js'
import { atTop, TOP } from './start.js'

/**
 * Consistency distillation (Song et al. 2023, algorithm 2): one step of the teacher's ODE leads from level n + 1 of a
 * Karras grid of N levels to level n, where the student's moving average gives the target. λ(σ) = 1.
 *
 * Times: the paper draws n evenly; here a share `top` begins at sigma_max (see start.ts).
 *
 * N is the paper's for CIFAR-10, whose pictures are as small as those here; its 40 for ImageNet are more levels than short
 * runs can climb. μ is that for ImageNet and LSUN, 0.95; for CIFAR-10 it is 0, with which one step on the mixture of
 * Gaussians of training/mixture.test.ts, after 800 updates, was off by 0.17 in place of 0.07. The paper's best distance is
 * LPIPS, of a network trained on ImageNet; here it is the other one, l2, and `perceptual` takes a network of features.
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
    top: TOP,
    solver: 'heun' as 'euler' | 'heun',
    mu: 0.95,
    distance: 'l2' as DistanceName,
    huber: 0.00054,
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
