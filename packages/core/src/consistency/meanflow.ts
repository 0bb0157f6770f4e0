import { clampSigma, flag, number, objective, perPicture, share, sumSquare } from '../diffusion/index.js'
import { jvp } from '../tensor/index.js'
import { averageVelocity, flowTime } from './rectified.js'
import { atTop } from './start.js'

/**
 * MeanFlow (Geng et al. 2025, algorithm 1): the student learns the average velocity u(z, r, t) of the flow between two
 * times, by the identity u = v − (t − r)·du/dt along the flow. On rectified flow's path, z = (1 − t)·x + t·e with x the
 * pictures in units of σd, and velocity v = e − x; from a teacher, v is that of its ODE at z.
 *
 * `improved` (Geng et al. 2025b): the derivative is taken along the velocity that the student itself predicts,
 * u(z, t, t), not along v, whose noise it would else amplify. It is that paper's variant without a head for v.
 *
 * Times: the paper draws two logit-normal times; the larger is t, the smaller r, here the levels t and s. A share `top`
 * has t = sigma_max. Where the options differ from the authors', docs/methods.md says why.
 */
export const meanflow = objective({
  name: 'meanflow',
  about: 'average velocity: one network for any number of steps (Geng et al. 2025)',
  teacher: 'optional',
  kind: 'student',
  boundary: false,
  flow_map: true,
  options: {
    top: share(0),
    /** ln (σ/σd) ~ N(P_mean, P_std²): t is logit-normal. */
    P_mean: number(-0.4, { least: -20, most: 20 }),
    P_std: number(1.4, { above: 0 }),
    /** Share of the pictures with r < t; for the others u is the velocity itself. */
    ratio: share(0.75),
    improved: flag(true),
    /** Each picture's squared error, a sum over its values in units of σd, is divided by (itself + c)^power (eq. 22). */
    power: number(1, { least: 0, most: 2 }),
    c: number(0.01, { above: 0 }),
  },
  times(random, { range }, { top, P_mean, P_std, ratio }) {
    const start = atTop(random, top)
    const draw = () => clampSigma(range.sigma_data * Math.exp(P_mean + P_std * random.normal()), range)
    const [a, b] = [draw(), draw()]
    const jumps = random.uniform() < ratio
    const first = start ? range.sigma_max : a
    const t = Math.max(first, b)
    return { t, r: t, s: jumps ? Math.min(first, b) : t }
  },
  loss({ student, target, teacher, x0, noise, t: sigma, s, condition }, { improved, power, c }) {
    const { sigma_data } = student.range
    const x = x0.div(sigma_data)
    const t = perPicture(flowTime(sigma, sigma_data), x)
    const r = perPicture(flowTime(s, sigma_data), x)
    const z = x.mul(t.neg().add(1)).add(noise.mul(t))
    const u = averageVelocity(student, condition)
    const u_target = averageVelocity(target, condition)
    const v = (teacher ? averageVelocity(teacher, condition)(z, t, t) : noise.sub(x)).stopGradient()
    const along = improved ? u_target(z, t, t).stopGradient() : v
    const [du_dt] = jvp([u_target(z, r, t)], [z, t], [along, t.zerosLike().add(1)])
    const goal = v.sub(t.sub(r).mul(du_dt!)).stopGradient()
    const error = sumSquare(u(z, r, t).sub(goal))
    return error.div(error.stopGradient().add(c).pow(power))
  },
})
