import { choice, karrasPosition, noised, number, objective, share, whole } from '../diffusion/index.js'
import { doublingLevels, neighbours } from './discretization.js'
import { DISTANCES, distance } from './distance.js'
import { atTop } from './start.js'

/**
 * Improved consistency training (Song & Dhariwal 2023, §3): the student itself gives the target; the grid doubles from
 * s₀ to s₁ levels; levels are drawn from a discretised lognormal (eq. 10); λ = 1/(t − r) (eq. 9); pseudo-Huber.
 *
 * Times: a share `top` begins at sigma_max (see start.ts), the others where the lognormal says, which is above an eighth
 * of sigma_max for 5 % of them.
 *
 * The paper also has a dropout of 0.3 and Fourier features of the noise level on a smaller scale (0.02). Networks here
 * have no dropout, and embed the noise level as the teacher's do, whose weights they may begin with. The paper's
 * doublings take 4·10⁵ steps; in a short run most of the eight come before the grid below has been learned.
 */
export const ict = objective({
  name: 'ict',
  about: 'improved consistency training (Song & Dhariwal 2023)',
  teacher: false,
  kind: 'student',
  boundary: true,
  options: {
    s0: whole(10, { least: 2 }),
    s1: whole(1280, { least: 2 }),
    top: share(0),
    P_mean: number(-1.1, { least: -20, most: 20 }),
    P_std: number(2, { above: 0 }),
    distance: choice('huber', DISTANCES),
    huber: number(0.00054, { above: 0 }),
  },
  times(random, { range, progress }, { s0, s1, top, P_mean, P_std }) {
    const N = doublingLevels(progress, s0, s1)
    if (atTop(random, top)) return neighbours(0, N, range)
    // p(σ_i) ∝ erf((ln σ_{i+1} − P_mean)/(√2 P_std)) − erf((ln σ_i − P_mean)/(√2 P_std)): the interval of the grid
    // that a lognormal σ falls into, given that it falls into the grid at all.
    for (let tries = 0; ; tries++) {
      const u = karrasPosition(Math.exp(P_mean + P_std * random.normal()), range)
      if (u >= 0 && u < 1) return neighbours(Math.floor(u * (N - 1)), N, range)
      // Options that put hardly anything into the range mean its nearest end.
      if (tries === 1000) return neighbours(u < 0 ? 0 : N - 2, N, range)
    }
  },
  loss({ student, target, x0, noise, t, r, condition, features }, { huber, ...options }) {
    const x_t = noised(x0, noise, t)
    const x_r = noised(x0, noise, r)
    const goal = target.denoise(x_r, r, condition).stopGradient()
    return distance(options.distance, student.denoise(x_t, t, condition), goal, { huber, features }).div(
      t.sub(r),
    )
  },
})
