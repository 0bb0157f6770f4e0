import { choice, noised, number, objective, share, whole } from '../diffusion/index.js'
import { growingLevels, neighbours } from './discretization.js'
import { DISTANCES, distance } from './distance.js'
import { atTop, TOP } from './start.js'

/**
 * Consistency training (Song et al. 2023, algorithm 3): without a teacher, the pair is the same picture with the same
 * noise at two neighbouring levels. The grid grows from s₀ to s₁ levels, and the target's moving average with it:
 * μ(k) = exp(s₀ ln μ₀ / N(k)), with the paper's N(k); the authors' code has N(k) − 1 there.
 *
 * Times: the paper draws the interval of the grid evenly; here a share `top` begins at sigma_max (see start.ts). The
 * options are the paper's for CIFAR-10, except the distance: l2 in place of LPIPS.
 */
export const ct = objective({
  name: 'ct',
  about: 'consistency training (Song et al. 2023)',
  teacher: false,
  kind: 'student',
  boundary: true,
  options: {
    s0: whole(2, { least: 2 }),
    s1: whole(150, { least: 2 }),
    top: share(TOP),
    mu0: number(0.9, { above: 0, below: 1 }),
    distance: choice('l2', DISTANCES),
    huber: number(0.00054, { above: 0 }),
  },
  target_ema: (progress, { s0, s1, mu0 }) => Math.exp((s0 * Math.log(mu0)) / growingLevels(progress, s0, s1)),
  times(random, { range, progress }, { s0, s1, top }) {
    const start = atTop(random, top)
    const N = growingLevels(progress, s0, s1)
    const i = random.integer(N - 1)
    return neighbours(start ? 0 : i, N, range)
  },
  loss({ student, target, x0, noise, t, r, condition, features }, { huber, ...options }) {
    const x_t = noised(x0, noise, t)
    const x_r = noised(x0, noise, r)
    const goal = target.denoise(x_r, r, condition).stopGradient()
    return distance(options.distance, student.denoise(x_t, t, condition), goal, { huber, features })
  },
})
