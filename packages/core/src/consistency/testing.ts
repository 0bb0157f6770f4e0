/** For tests only (not exported from the package): exact students, and batches to ask methods about them. */
import { type Denoiser, type LossContext, noised, type Objective, perPicture } from '../diffusion/index.js'
import { bell, compute, contextOf, denoiserOf, gaussian, type Mixture, RANGE } from '../diffusion/testing.js'
import { constant, type Shape, type Tensor } from '../tensor/index.js'
import type { Second } from './second.js'

const { sigma_min } = RANGE

export const point = gaussian([0.25, -0.75], 0)

/** f(x, σ) for a single Gaussian, in closed form: where the trajectory through x at σ is at `end`. */
export const exactStudent = ({ means, std }: Mixture, end = sigma_min): Denoiser => ({
  range: RANGE,
  denoise(x, sigma) {
    const mean = constant(means[0]!, [1, 1, 1, 2])
    const scale = sigma
      .square()
      .add(std ** 2)
      .reciprocal()
      .mul(std ** 2 + end ** 2)
      .sqrt()
    return x.sub(mean).mul(perPicture(scale, x)).add(mean)
  },
})

/**
 * D(x; t, s) for a single Gaussian: the trajectory is mean + y·a_s/a_t with a² = std² + σ² and y = x − mean, so the D
 * whose DDIM step lands on it is mean + y·std²(t + s)/(a_t(t·a_s + s·a_t)).
 */
export const exactFlowMap = ({ means, std }: Mixture): Denoiser => ({
  range: RANGE,
  denoise(x, t, { s = t } = {}) {
    const mean = constant(means[0]!, [1, 1, 1, 2])
    const spread = (sigma: Tensor) =>
      sigma
        .square()
        .add(std ** 2)
        .sqrt()
    const [a_t, a_s] = [spread(t), spread(s)]
    const scale = t
      .add(s)
      .mul(std ** 2)
      .div(a_t.mul(t.mul(a_s).add(s.mul(a_t))))
    return x.sub(mean).mul(perPicture(scale, x)).add(mean)
  },
})

/** What a method's exact student is, and where its trajectories end. */
export const exactFor = ({ flow_map, boundary }: Objective, data: Mixture): Denoiser =>
  flow_map ? exactFlowMap(data) : exactStudent(data, boundary ? sigma_min : 0)

// Three pictures of two pixels.
export const x0 = [0.5, -1, 0.75, 0.25, -0.5, 1]
export const noise = [1, 0.5, -0.5, -1.5, 0.25, 2]
export const t = [0.5, 2, 8]
export const PICTURES: Shape = [3, 1, 1, 2]

export type Inputs = Record<'x0' | 'noise' | 't' | 'r' | 's' | 'theta' | 'frozen', Tensor> &
  Record<string, Tensor>

/** Runs `body` on the batch; further inputs are pictures, or scalars that broadcast against them. */
export const onBatch = (
  {
    r,
    s = r.map(() => sigma_min),
    ...levels
  }: { t?: readonly number[]; r: readonly number[]; s?: readonly number[] },
  body: (inputs: Inputs) => Record<string, Tensor>,
  more: Readonly<Record<string, readonly number[]>> = {},
) =>
  compute(
    {
      x0: [PICTURES, x0],
      noise: [PICTURES, noise],
      t: [[3], levels.t ?? t],
      r: [[3], r],
      s: [[3], s],
      ...Object.fromEntries(
        Object.entries(more).map(([name, list]) => [
          name,
          [list.length === 1 ? [1, 1, 1, 1] : PICTURES, list],
        ]),
      ),
    },
    (inputs) => body(inputs as Inputs),
  )

/**
 * The batch as seen by someone who knows x_t alone: x₀ becomes E[x₀ | x_t], and the noise what is left. A method that
 * learns from data is right on average over x₀; this is that average, for it is linear in x₀.
 */
export const expected = ({ x0, noise, t }: Inputs, data: Mixture): { x0: Tensor; noise: Tensor } => {
  const x_t = noised(x0, noise, t)
  const mean = denoiserOf(data).denoise(x_t, t)
  return { x0: mean, noise: x_t.sub(mean).div(perPicture(t, x_t)) }
}

export const lossOf = <Options extends object>(
  method: Objective<Options>,
  given: Parameters<typeof contextOf>[0] & Partial<LossContext>,
  options: Partial<Options> = {},
): Tensor => {
  return method.loss(contextOf({ own: ownFor(method, bell), ...given }), {
    ...method.options,
    ...options,
  })
}

/** An objective's own part: no weighting; or a second network that knows pictures to be of a distribution. */
export const ownFor = (
  { judges_pictures }: Pick<Objective, 'judges_pictures'>,
  data: Mixture,
): Second | ((sigma: Tensor) => Tensor) =>
  judges_pictures ? secondOf(denoiserOf(data)) : (sigma) => sigma.zerosLike()

/** A second network without a head. */
export const secondOf = (denoiser: Denoiser): Second => ({
  see: (x, sigma, condition) => ({ denoised: denoiser.denoise(x, sigma, condition) }),
})
