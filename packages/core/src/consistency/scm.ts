import { clampSigma, flag, meanSquare, number, objective, perPicture, share } from '../diffusion/index.js'
import { atTop } from './start.js'
import { tangent, trigFlow } from './trigflow.js'
import { logVariancePart } from './weighting.js'

/**
 * Simplified continuous-time consistency models (Lu & Song 2024, algorithm 1), in TrigFlow. The tangent df/dt along the
 * ODE, a forward-mode derivative, says how far the student is from being constant along the trajectory: times cos t,
 * normalised, and warmed up, it is what F is moved by. The weight of each noise level is learned, u(t) = ln of the error's
 * variance. `scd` follows the teacher's ODE, `sct` the line to the data. What departs from the paper: docs/methods.md.
 */
const scm = (name: 'scd' | 'sct', about: string) =>
  objective({
    name,
    about,
    teacher: name === 'scd',
    kind: 'student',
    // TrigFlow has the identity at t = 0 built in.
    boundary: false,
    // The target is one step of length 1, however far the student is from it: at larger rates it runs away.
    learning_rate: 5e-5,
    options: {
      top: share(0),
      P_mean: number(-1, { least: -20, most: 20 }),
      P_std: number(1.4, { above: 0 }),
      /** Share of the training over which the tangent's second term comes in. */
      tangent_warmup: share(0.1),
      /** c in g/(‖g‖ + c), with ‖·‖ the root mean square. */
      tangent_c: number(0.1, { above: 0 }),
      /** Whether the error is weighted by 1/σ as well. */
      prior: flag(false),
    },
    times(random, { range }, { top, P_mean, P_std }) {
      const start = atTop(random, top)
      const drawn = Math.exp(P_mean + P_std * random.normal())
      const t = start ? range.sigma_max : clampSigma(drawn, range)
      return { t, r: t }
    },
    own: logVariancePart,
    loss(context, { tangent_warmup, tangent_c, prior }) {
      const { student, target, teacher, x0, noise, condition, progress, own: log_variance } = context
      const { sigma_data } = student.range
      const t = perPicture(context.t.div(sigma_data).atan(), x0)
      const [cos, sin] = [t.cos(), t.sin()]
      const z = noise.mul(sigma_data)
      const x = cos.mul(x0).add(sin.mul(z))
      const velocity = teacher
        ? trigFlow(teacher, condition)(x, t).mul(sigma_data)
        : cos.mul(z).sub(sin.mul(x0))
      const dx_dt = velocity.stopGradient()
      const r = progress.div(Math.max(tangent_warmup, 1e-9)).minimum(1)
      const { F_minus, g } = tangent(trigFlow(target, condition), { x, t, dx_dt, r, sigma_data })
      const step = g.div(perPicture(meanSquare(g).sqrt(), g).add(tangent_c))
      const square = meanSquare(trigFlow(student, condition)(x, t).sub(F_minus).sub(step))
      const u = log_variance!(context.t)
      return (prior ? square.div(context.t) : square).mul(u.neg().exp()).add(u)
    },
  })

export const scd = scm('scd', 'continuous-time consistency distillation (Lu & Song 2024)')
export const sct = scm('sct', 'continuous-time consistency training (Lu & Song 2024)')
