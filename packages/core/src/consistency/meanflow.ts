import { objective, perPicture, sumSquare } from '../diffusion/index.js'
import { jvp, type Tensor } from '../tensor/index.js'
import { atTop } from './start.js'

/**
 * MeanFlow (Geng et al. 2025, algorithm 1): the student learns the average velocity u(z, r, t) of the flow between two
 * times, by the identity u = v − (t − r)·du/dt along the flow. On rectified flow's path, z = (1 − t)·x + t·e with x the
 * pictures in units of σd, t = σ/(σ + σd), and velocity v = e − x; from a teacher, v is that of its ODE at z.
 *
 * `improved` (Geng et al. 2025b): the derivative is taken along the velocity that the student itself predicts,
 * u(z, t, t), not along v, whose noise it would else amplify. It is that paper's variant without a head for v.
 *
 * Times: the paper draws two logit-normal times; the larger is t, the smaller r, here the levels t and s. A share `top`
 * has t = sigma_max (see start.ts), with r drawn as ever.
 *
 * What the authors' code has, for latents of ImageNet and for CIFAR-10: P_mean −0.4 and −2, P_std 1 and 2, r < t for 25 %
 * and 75 %, power 1 and 0.75, c 0.01 and 0.001 on sums over values. P_mean, power and c are those for latents, whose
 * variance is 1, as it is here in units of σd. `ratio` is that for CIFAR-10, because a student begins as its teacher, which
 * knows velocities already: on the mixture of Gaussians of training/mixture.test.ts, after 800 updates, one step was off
 * by 0.11 with 75 %, 0.22 with 50 % and 0.60 with 25 %. P_std lies between the two, for with 1 hardly a level above
 * 10·σd is drawn: 0.51 there with 1 and 50 %. Guidance comes from the teacher, if at all: the paper's mixing scales ω
 * and κ, which take it from the student itself, are left out.
 */
export const meanflow = objective({
  name: 'meanflow',
  about: 'average velocity: one network for any number of steps (Geng et al. 2025)',
  teacher: 'optional',
  kind: 'student',
  parametrization: 'edm',
  flow_map: true,
  options: {
    top: 0,
    /** ln (σ/σd) ~ N(P_mean, P_std²): t is logit-normal. */
    P_mean: -0.4,
    P_std: 1.4,
    /** Share of the pictures with r < t; for the others u is the velocity itself. */
    ratio: 0.75,
    improved: true,
    /** Each picture's squared error, a sum over its values in units of σd, is divided by (itself + c)^power (eq. 22). */
    power: 1,
    c: 0.01,
  },
  times(random, { range }, { top, P_mean, P_std, ratio }) {
    const start = atTop(random, top)
    const { sigma_min, sigma_max, sigma_data } = range
    const draw = () => {
      const sigma = sigma_data * Math.exp(P_mean + P_std * random.normal())
      return Math.min(Math.max(sigma, sigma_min), sigma_max)
    }
    const [a, b, choice] = [draw(), draw(), random.uniform()]
    const first = start ? sigma_max : a
    const t = Math.max(first, b)
    return { t, r: t, s: choice < ratio ? Math.min(first, b) : t }
  },
  loss({ student, target, teacher, x0, noise, t: sigma, s, condition }, { improved, power, c }) {
    const { sigma_data } = student.range
    const toTime = (level: Tensor) => level.div(level.add(sigma_data))
    const [t, r] = [perPicture(toTime(sigma), x0), perPicture(toTime(s), x0)]
    const z = x0.div(sigma_data).mul(t.neg().add(1)).add(noise.mul(t))
    /** u(z, r, t) = (z − D/σd)/t, with D that of a jump from t to r. */
    const u = (denoiser: typeof student, z: Tensor, r: Tensor, t: Tensor): Tensor => {
      const level = (time: Tensor) => time.div(time.neg().add(1)).mul(sigma_data).reshape([time.size])
      const x = z.div(t.neg().add(1)).mul(sigma_data)
      return z.sub(denoiser.denoise(x, level(t), { ...condition, s: level(r) }).div(sigma_data)).div(t)
    }
    const v = (teacher ? u(teacher, z, t, t) : noise.sub(x0.div(sigma_data))).stopGradient()
    const along = improved ? u(target, z, t, t).stopGradient() : v
    const [du_dt] = jvp([u(target, z, r, t)], [z, t], [along, t.zerosLike().add(1)])
    const goal = v.sub(t.sub(r).mul(du_dt!)).stopGradient()
    const error = sumSquare(u(student, z, r, t).sub(goal))
    return error.div(error.stopGradient().add(c).pow(power))
  },
})
