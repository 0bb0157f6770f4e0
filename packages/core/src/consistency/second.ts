import {
  type Condition,
  type DenoiserConfig,
  type LossContext,
  networkDenoiser,
  noised,
  type Part,
  perPicture,
} from '../diffusion/index.js'
import { describeParameters, linear, networkInputShapes, rmsNorm, type Scope } from '../nn/index.js'
import { dims, input, inputOf, type Tensor } from '../tensor/index.js'

/** A second diffusion model, which follows what the student paints. */
export interface Second {
  /** x [B, …] at noise level sigma [B]. */
  see(x: Tensor, sigma: Tensor, condition: Condition): Sight
}

/** What it makes of noisy pictures. */
export interface Sight {
  readonly denoised: Tensor
  /** ln of how likely each is a training picture, and ln of how likely the student painted it: [B]. From its head, if it has one. */
  readonly real?: Tensor
  readonly painted?: Tensor
}

/**
 * It begins as the teacher, and is told what the student is told: a guidance scale, too, if that is an input of the student.
 * The head sits on its waist (Yin et al. 2024b, section 4.3).
 */
export const secondNetwork = (
  student: DenoiserConfig,
  teacher: DenoiserConfig,
  { head, updates }: { head: boolean; updates: number },
): Part<Second> => {
  const { guidance_embedding } = student.network.embedding
  const embedding = { ...teacher.network.embedding, guidance_embedding }
  const config: DenoiserConfig = { ...teacher, network: { ...teacher.network, embedding } }
  const of = (scope: Scope): Second => ({
    see(x, sigma, condition) {
      const waists: Tensor[] = []
      const denoiser = networkDenoiser(scope.at('network'), config, (waist) => waists.push(waist))
      const denoised = denoiser.denoise(x, sigma, condition)
      return head ? { denoised, ...verdict(scope.at('head'), waists[0]!) } : { denoised }
    },
  })
  const { x, c_noise, ...shapes } = networkInputShapes(config.network, 1)
  const condition = Object.fromEntries(
    Object.entries(shapes).map(([name, spec]) => [name, inputOf(name, spec)]),
  )
  return {
    name: 'second',
    layout: describeParameters((scope) => of(scope).see(input('x', x), input('sigma', c_noise), condition)),
    beginsAs: (name) => name.replace(/^network\./, ''),
    updates,
    of,
  }
}

/** Tokens [B, T, D] → ln of how likely each picture is real, and ln of how likely it is not. It begins undecided. */
const verdict = (scope: Scope, tokens: Tensor): Required<Pick<Sight, 'real' | 'painted'>> => {
  const [b, , width] = dims(tokens, 3, 'verdict')
  const each = linear(scope.at(0), rmsNorm(tokens), width, { bias: true }).silu()
  const all = linear(scope.at(1), rmsNorm(each.mean([1])), width, { bias: true }).silu()
  const logit = linear(scope.at(2), all, 1, { bias: true, init: 'zeros' })
  const [real, painted] = logit.concat([logit.zerosLike()], 1).logSoftmax().split([1, 1], 1)
  return { real: real!.reshape([b]), painted: painted!.reshape([b]) }
}

/** What a student paints from noise, or from training pictures with noise where that is not the strongest: [B, …]. */
export const painted = ({ student, x0, noise, start, condition }: LossContext<Second>): Tensor => {
  const further = perPicture(start!.less(student.range.sigma_max).toFloat(), x0)
  return student.denoise(noised(x0.mul(further), noise, start!), start!, condition)
}
