import { noiseLevel, objective, perPicture } from '../diffusion/index.js'
import { pseudoHuber } from './distance.js'
import { odeStep } from './ode.js'

/**
 * Latent consistency distillation (Luo et al. 2023, algorithm 1), on pictures: the teacher's guided ODE takes one DDIM
 * step along a variance-preserving grid of N levels (which skips k = 1000/N of DDPM's timesteps where sigma_max is DDPM's),
 * with a guidance scale that is drawn for each picture and told to the student; the student's moving average gives the target;
 * the distance is Huber's, pixel by pixel. The boundary is that of Song et al. 2023 at sigma_min, as everywhere here.
 *
 * Guidance is D_u + w(D_c − D_u), w = 1 meaning none; the paper's ω is this w − 1.
 */
export const lcm = objective({
  name: 'lcm',
  about: 'latent consistency distillation: skipping steps, guidance as an input (Luo et al. 2023)',
  teacher: true,
  kind: 'student',
  parametrization: 'consistency',
  guidance_scale: [1, 6],
  options: { N: 50, mu: 0.95, huber: 1e-3 },
  target_ema: (_, { mu }) => mu,
  times(random, { range }, { N }) {
    const i = random.integer(N - 1)
    return { t: noiseLevel('ddim', i, N, range), r: noiseLevel('ddim', i + 1, N, range) }
  },
  loss({ student, target, teacher, x0, noise, t, r, condition }, { huber }) {
    const x_t = x0.add(noise.mul(perPicture(t)))
    const x_r = odeStep(teacher!, x_t, t, r, condition, 'euler')
    const goal = target.denoise(x_r, r, condition).stopGradient()
    const error = student.denoise(x_t, t, condition).sub(goal)
    return pseudoHuber(error.square(), huber).mean([1, 2, 3])
  },
})
