import {
  type Condition,
  clampSigma,
  type Denoiser,
  meanSquare,
  objective,
  perPicture,
} from '../diffusion/index.js'
import type { Random } from '../random/index.js'
import { jvp, type Tensor } from '../tensor/index.js'
import { atTop } from './start.js'
import { logVariancePart } from './weighting.js'

/**
 * Simplified continuous-time consistency models (Lu & Song 2024, algorithm 1), in TrigFlow: x_t = cos t·x₀ + sin t·z
 * with z ~ N(0, σd²), t = atan(σ/σd), f(x, t) = cos t·x − sin t·σd·F(x/σd, t), where the identity at t = 0 is built in.
 *
 * The tangent df/dt along the ODE, a forward-mode derivative, says how far the student is from being constant along the
 * trajectory: times cos t, normalised, and warmed up, it is what F is moved by. The weight of each noise level is
 * learned, u(t) = ln of the error's variance.
 *
 * Times: the paper draws a lognormal σ; here a share `top` begins at sigma_max (see start.ts).
 *
 * The paper embeds the time as c_noise = t and normalises modulations twice, in a teacher that it trains anew for this.
 * Students here begin with the weights of EDM's teacher and keep its c_noise = ln σ/4, as NVlabs/FastGen does. Along the
 * tangent that is no danger by itself: times cos t·sin t, the derivative of ln(σd·tan t)/4 is 1/4 at every t. The Fourier
 * features of it are as they are, and the small learning rate below may be their price.
 */
const options = {
  top: 0,
  /** ln σ ~ N(P_mean, P_std²). */
  P_mean: -1,
  P_std: 1.4,
  /** Share of the training over which the tangent's second term comes in; the paper's 10,000 steps would be all of a short run. */
  tangent_warmup: 0.1,
  /** c in g/(‖g‖ + c), with ‖·‖ the root mean square, so that it does not depend on the resolution (as in FastGen). */
  tangent_c: 0.1,
  /**
   * Whether the error is weighted by 1/σ as well, as in the paper (there 1/(σd·tan t)). Once u is learned, it takes the
   * weight back; in a short run, where u is still near 0, the weight leaves hardly anything of the errors at sigma_max: on
   * the mixture of Gaussians of training/mixture.test.ts, after 800 updates, one step of `scd` was off by 0.45 with it and
   * by 0.22 without.
   */
  prior: false,
}
type Options = typeof options

const times = (
  random: Random,
  { range }: { range: Parameters<typeof clampSigma>[1] },
  { top, P_mean, P_std }: Options,
) => {
  const start = atTop(random, top)
  const drawn = Math.exp(P_mean + P_std * random.normal())
  const t = start ? range.sigma_max : clampSigma(drawn, range)
  return { t, r: t }
}

/** A denoiser's D(x; σ) as TrigFlow's F(x/σd, t) with D = cos t·x − sin t·σd·F. x: [B, …]; t: [B, 1, …]. */
const trigFlow = (denoiser: Denoiser, condition: Condition) => {
  const { sigma_data } = denoiser.range
  return (x: Tensor, t: Tensor): Tensor => {
    const [cos, sin] = [t.cos(), t.sin()]
    const sigma = sin.div(cos).mul(sigma_data).reshape([t.size])
    const D = denoiser.denoise(x.div(cos), sigma, condition)
    return cos.mul(x).sub(D).div(sin.mul(sigma_data))
  }
}

/**
 * cos t·df/dt, stopped: −cos²t·(σd·F − dx/dt) − r·cos t·sin t·(x + σd·dF/dt), with r ∈ [0, 1] the warm-up. Zero, at
 * r = 1, for the exact consistency function and the ODE's own dx/dt.
 *
 * @returns also F, which is computed on the way.
 */
export const scmTangent = (
  F: (x: Tensor, t: Tensor) => Tensor,
  { x, t, dx_dt, r, sigma_data }: { x: Tensor; t: Tensor; dx_dt: Tensor; r: Tensor; sigma_data: number },
): { F_minus: Tensor; g: Tensor } => {
  const [cos, sin] = [t.cos(), t.sin()]
  const F_minus = F(x, t)
  // cos t·sin t is taken into the tangents: it keeps them small where the derivative by t is large (§4.1).
  const small = cos.mul(sin)
  const [dF] = jvp([F_minus], [x, t], [small.mul(dx_dt), small])
  const first = cos.square().mul(F_minus.mul(sigma_data).sub(dx_dt)).neg()
  const second = small.mul(x).add(dF!.mul(sigma_data))
  return { F_minus: F_minus.stopGradient(), g: first.sub(second.mul(r)).stopGradient() }
}

const scm = (name: 'scd' | 'sct', about: string) =>
  objective({
    name,
    about,
    teacher: name === 'scd',
    kind: 'student',
    // EDM's preconditioning is TrigFlow's, with F of the other sign.
    parametrization: 'edm',
    // The target is one step of length 1, however far the student is from it: at larger rates it runs away.
    learning_rate: 5e-5,
    options,
    times,
    own: logVariancePart,
    loss(context, { tangent_warmup, tangent_c, prior }) {
      const { student, target, teacher, x0, noise, condition, progress, own: log_variance } = context
      const { sigma_data } = student.range
      const t = perPicture(context.t.div(sigma_data).atan(), x0)
      const [cos, sin] = [t.cos(), t.sin()]
      const z = noise.mul(sigma_data)
      const x = cos.mul(x0).add(sin.mul(z))
      const dx_dt = teacher ? trigFlow(teacher, condition)(x, t).mul(sigma_data) : cos.mul(z).sub(sin.mul(x0))
      const r = progress.div(Math.max(tangent_warmup, 1e-9)).minimum(1)
      const { F_minus, g } = scmTangent(trigFlow(target, condition), {
        x,
        t,
        r,
        sigma_data,
        dx_dt: dx_dt.stopGradient(),
      })
      const norm = perPicture(meanSquare(g).sqrt(), g)
      const step = g.div(norm.add(tangent_c))
      const error = trigFlow(student, condition)(x, t).sub(F_minus).sub(step)
      const u = log_variance!(context.t)
      const square = meanSquare(error)
      return (prior ? square.div(context.t) : square).mul(u.neg().exp()).add(u)
    },
  })

export const scd = scm('scd', 'continuous-time consistency distillation (Lu & Song 2024)')
export const sct = scm('sct', 'continuous-time consistency training (Lu & Song 2024)')
