import {
  noised,
  noiseLevel,
  number,
  objective,
  odeStep,
  pictureMean,
  share,
  whole,
} from '../diffusion/index.js'
import { pseudoHuber } from './distance.js'
import { atTop, TOP } from './start.js'

/**
 * Latent consistency distillation (Luo et al. 2023, algorithm 1), on pictures: the teacher's guided ODE takes one DDIM
 * step along a variance-preserving grid of N steps (each skips k = 1000/N of DDPM's timesteps where sigma_max is DDPM's),
 * with a guidance scale that is drawn for each picture and told to the student; the student's moving average gives the target;
 * the distance is Huber's, pixel by pixel.
 *
 * Times: the paper draws the step evenly; here a share `top` begins at sigma_max (see start.ts).
 *
 * Guidance is D_u + w(D_c − D_u), w = 1 meaning none; the paper's ω is this w − 1. It draws ω from 5 to 15, that is w
 * from 6 to 16, for latents of Stable Diffusion. Pixel models burn there, so that w is drawn from 1 to 6, which
 * `guidance_scale` changes.
 *
 * The boundary is that of Song et al. 2023 at sigma_min, as everywhere here; the authors' c_skip is that of σd = 0.5 over
 * ten times the timestep, which leaves the identity sooner. Their teacher's β are those of Stable Diffusion (linear in
 * their roots); here they are DDPM's (linear).
 */
export const lcm = objective({
  name: 'lcm',
  about: 'latent consistency distillation: skipping steps, guidance as an input (Luo et al. 2023)',
  teacher: true,
  kind: 'student',
  boundary: true,
  guidance_scale: [1, 6],
  options: {
    N: whole(50, { least: 3 }),
    top: share(TOP),
    mu: number(0.95, { least: 0, most: 0.999999 }),
    huber: number(1e-3, { above: 0 }),
  },
  target_ema: (_, { mu }) => mu,
  times(random, { range }, { N, top }) {
    const start = atTop(random, top)
    const drawn = random.integer(N)
    const i = start ? 0 : drawn
    return { t: noiseLevel('ddim', i, N + 1, range), r: noiseLevel('ddim', i + 1, N + 1, range) }
  },
  loss({ student, target, teacher, x0, noise, t, r, condition }, { huber }) {
    const x_t = noised(x0, noise, t)
    const x_r = odeStep(teacher!, x_t, t, r, condition, 'ddim')
    const goal = target.denoise(x_r, r, condition).stopGradient()
    const error = student.denoise(x_t, t, condition).sub(goal)
    return pictureMean(pseudoHuber(error.square(), huber))
  },
})
