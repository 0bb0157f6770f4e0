import {
  denoisingLoss,
  karrasSigma,
  type LossContext,
  noised,
  objective,
  perPicture,
  pictureMean,
} from '../diffusion/index.js'
import type { Tensor } from '../tensor/index.js'
import { multistepSigmas } from './sampler.js'
import { type Second, secondNetwork } from './second.js'
import { atTop } from './start.js'

/** What the head's loss counts in the second network's (Yin et al. 2024b, code for ImageNet). */
const HEAD = 1e-2

/**
 * Distribution matching distillation (Yin et al. 2024; 2024b, DMD2): no picture of the student has to be one of the teacher's,
 * but what the student paints has to be as likely as what the teacher does.
 *
 * - The student paints x from noise or, for its further steps, from a noised training picture;
 * - x, noised again to any level t, is denoised twice: to T by the teacher, and to S by a second diffusion model that has
 *   learned what the student paints. Where S and T differ, the student paints something too often or too seldom: T − S leads
 *   x to where the teacher's pictures are denser. The picture's own distance to T is the unit;
 * - the second network begins as the teacher, and takes `updates` steps of denoising x for each of the student's;
 * - with `gan` > 0 its waist also tells noised training pictures from noised x, and the student learns, with that weight, to be
 *   taken for the former.
 */
export const dmd = objective({
  name: 'dmd',
  about: 'distribution matching: makes a student’s pictures sharper (DMD2, Yin et al. 2024)',
  teacher: true,
  kind: 'student',
  parametrization: 'consistency',
  refines: true,
  judges_pictures: true,
  learning_rate: 1e-4,
  options: {
    /** How many steps the student is to paint in, at most; the first one is trained in a share `top` of the pictures. */
    steps: 4,
    top: 0.5,
    updates: 5,
    gan: 0,
  },
  own: ({ student, teacher }, { updates, gan }) =>
    secondNetwork(student, teacher!, { updates, head: gan > 0 }),
  times(random, { range }, { steps, top }) {
    const highest = atTop(random, top)
    const [step, position] = [random.uniform(), random.uniform()]
    const [first, ...further] = multistepSigmas(steps, range)
    const start = highest ? first! : (further[Math.floor(step * further.length)] ?? first!)
    const t = karrasSigma(position, range)
    return { t, r: t, start }
  },
  loss(context, { gan }) {
    const { teacher, own, t, renoise, condition } = context
    const x = painted(context)
    const x_t = noised(x, renoise!, t)
    const T = teacher!.denoise(x_t, t, condition)
    const { denoised: S, real } = own!.see(x_t, t, condition)
    const unit = perPicture(pictureMean(x.sub(T).abs()), x).add(1e-6)
    const goal = x.sub(S.sub(T).div(unit)).stopGradient()
    const matching = pictureMean(x.sub(goal).square()).mul(0.5)
    return gan > 0 ? matching.sub(real!.mul(gan)) : matching
  },
  own_loss(context, { gan }) {
    const { student, own, x0, t, renoise, condition } = context
    const x = painted(context).stopGradient()
    const seen = own!.see(noised(x, renoise!, t), t, condition)
    const denoising = denoisingLoss(seen.denoised, x, t, student.range.sigma_data)
    if (gan === 0) return denoising
    const { real } = own!.see(noised(x0, renoise!, t), t, condition)
    return denoising.sub(seen.painted!.add(real!).mul(HEAD))
  },
})

/** What the student paints from noise, or from training pictures with noise where that is not the strongest. */
const painted = ({ student, x0, noise, start, condition }: LossContext<Second>): Tensor => {
  const further = perPicture(start!.less(student.range.sigma_max).toFloat(), x0)
  return student.denoise(noised(x0.mul(further), noise, start!), start!, condition)
}
