import {
  denoisingLoss,
  karrasSigma,
  meanSquare,
  noised,
  number,
  objective,
  perPicture,
  pictureMean,
  share,
  whole,
} from '../diffusion/index.js'
import { multistepSigmas } from './sampler.js'
import { painted, secondNetwork } from './second.js'
import { atTop } from './start.js'

/** What the head's loss counts in the second network's (Yin et al. 2024b, code for ImageNet). */
const HEAD = 1e-2

/**
 * Distribution matching distillation (Yin et al. 2024; 2024b, DMD2): what the student paints has to be as likely as what the
 * teacher does. The student's picture x, noised again to any level, is denoised to T by the teacher, and to S by a second
 * diffusion model that learns what the student paints; T − S leads x to where the teacher's pictures are denser.
 */
export const dmd = objective({
  name: 'dmd',
  about: 'distribution matching: makes a student’s pictures sharper (DMD2, Yin et al. 2024)',
  teacher: true,
  kind: 'student',
  boundary: true,
  refines: true,
  judges_pictures: true,
  learning_rate: 1e-4,
  options: {
    /** How many steps the student is to paint in, at most; the first one is trained in a share `top` of the pictures. */
    steps: whole(4, { most: 64 }),
    top: share(0.5),
    updates: whole(5, { most: 1000 }),
    gan: number(0, { least: 0, most: 100 }),
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
    const matching = meanSquare(x.sub(goal)).mul(0.5)
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
