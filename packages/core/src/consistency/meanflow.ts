import { objective, perPicture } from '../diffusion/index.js'
import { jvp, type Tensor } from '../tensor/index.js'

/**
 * MeanFlow (Geng et al. 2025, algorithm 1): the student learns the average velocity u(z, r, t) of the flow between two
 * times, by the identity u = v − (t − r)·du/dt along the flow. On rectified flow's path, z = (1 − t)·x + t·e with x the
 * pictures in units of σd, t = σ/(σ + σd), and velocity v = e − x; from a teacher, v is that of its ODE at z.
 *
 * `improved` (Geng et al. 2025b): the derivative is taken along the velocity that the student itself predicts,
 * u(z, t, t), not along v, whose noise it would else amplify.
 */
export const meanflow = objective({
  name: 'meanflow',
  about: 'average velocity: one network for any number of steps (Geng et al. 2025)',
  teacher: 'optional',
  kind: 'student',
  parametrization: 'edm',
  flow_map: true,
  options: {
    /** ln (σ/σd) ~ N(P_mean, P_std²): t is logit-normal. */
    P_mean: -0.4,
    P_std: 1.4,
    /** Share of the pictures with r < t; for the others u is the velocity itself. */
    ratio: 0.5,
    improved: true,
    /** Each picture's squared error is divided by (itself + c)^power (eq. 22). */
    power: 1,
    c: 1e-3,
  },
  times(random, { range }, { P_mean, P_std, ratio }) {
    const { sigma_min, sigma_max, sigma_data } = range
    const draw = () => {
      const sigma = sigma_data * Math.exp(P_mean + P_std * random.normal())
      return Math.min(Math.max(sigma, sigma_min), sigma_max)
    }
    const [a, b, choice] = [draw(), draw(), random.uniform()]
    const t = Math.max(a, b)
    return { t, r: t, s: choice < ratio ? Math.min(a, b) : t }
  },
  loss({ student, target, teacher, x0, noise, t: sigma, s, condition }, { improved, power, c }) {
    const { sigma_data } = student.range
    const toTime = (level: Tensor) => level.div(level.add(sigma_data))
    const [t, r] = [perPicture(toTime(sigma)), perPicture(toTime(s))]
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
    const error = u(student, z, r, t)
      .sub(goal)
      .sumSquares([1, 2, 3])
      .mul(x0.shape[0]! / x0.size)
    return error.div(error.stopGradient().add(c).pow(power))
  },
})
