import { choice, clampSigma, noised, number, objective, share, whole } from '../diffusion/index.js'
import { DISTANCES, distance } from './distance.js'
import { atTop, TOP } from './start.js'

/**
 * Easy consistency tuning (Geng et al. 2024, eq. 9–12): a pretrained diffusion model goes on learning as a consistency
 * model, from data. ln t ~ N(P_mean, P_std²); r = t·(1 − q^−(stage+1)·(1 + k·sigmoid(−b·t))), at least sigma_min, so
 * that training begins as a diffusion model's (r at the bottom) and r draws nearer to t with every stage;
 * loss d(f(x_t), f(x_r))/(t − r) with the same noise in both.
 *
 * Times: a share `top` has t = sigma_max (see start.ts). The others follow the paper's lognormal, brought into the range
 * where it leaves it: 4 % are at the bottom, 0.3 % at the top. The paper's range has no bottom: its r may be 0, and the
 * target there is the picture. Here every student is the identity at sigma_min, which is the target there.
 *
 * q, k, b and the weight 1/(t − r) are those of the authors' CIFAR-10 code. Their c is 0, and the norm's gradient at 0 not
 * finite; here it is 1e-4·√D. They have a dropout of 0.2, the same in both passes; networks here have none.
 */
export const ect = objective({
  name: 'ect',
  about: 'easy consistency tuning, on data, from a pretrained start (Geng et al. 2024)',
  teacher: false,
  kind: 'student',
  boundary: true,
  learning_rate: 2e-4,
  options: {
    q: number(2, { above: 1, below: 1000 }),
    stages: whole(8),
    k: number(8, { least: 0, most: 1e6 }),
    b: number(1, { least: -100, most: 100 }),
    top: share(TOP),
    P_mean: number(-1.1, { least: -20, most: 20 }),
    P_std: number(2, { above: 0 }),
    distance: choice('huber', DISTANCES),
    huber: number(1e-4, { above: 0 }),
  },
  times(random, { range, progress }, { q, stages, k, b, top, P_mean, P_std }) {
    const start = atTop(random, top)
    const drawn = Math.exp(P_mean + P_std * random.normal())
    const above = { ...range, sigma_min: range.sigma_min * 1.001 }
    const t = start ? range.sigma_max : clampSigma(drawn, above)
    const stage = Math.floor(progress * stages)
    // Never so small that t and r are one number in float32, which the loss divides by their difference.
    const gap = Math.max(1e-4, q ** -(stage + 1) * (1 + k / (1 + Math.exp(b * t))))
    return { t, r: Math.max(range.sigma_min, t * (1 - gap)) }
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
