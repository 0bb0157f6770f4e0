import { edmPreconditioning, karrasSigma, objective, perPicture } from '../diffusion/index.js'
import { pseudoHuber } from './distance.js'
import { odeSteps } from './ode.js'

/**
 * Easy consistency distillation: the loss of easy consistency tuning (Geng et al. 2024, eq. 9–12) with the teacher's
 * ODE as target (Song et al. 2023, algorithm 2).
 *
 * - t is drawn from the Karras schedule, uniformly in its position u, with a share of the batch exactly at sigma_max,
 *   where one-step sampling starts;
 * - r lies one level of an N-level grid below t; where `stages` has several numbers, N goes through them in equal parts of
 *   the training. Few levels are few places where the student's own error enters its target;
 * - the teacher's ODE leads from x_t to x_r, in `substeps` steps, which keeps so long a way exact, and the student itself,
 *   held fixed, gives the target there;
 * - the error is measured in units of the network's output, c_out(t), so that every noise level counts the same, and
 *   its pseudo-Huber norm √(mean e² + c²) − c keeps outliers from ruling the gradient.
 */
export const ecd = objective({
  name: 'ecd',
  about: 'easy consistency distillation along the teacher’s ODE (Song et al. 2023, Geng et al. 2024)',
  teacher: true,
  kind: 'student',
  parametrization: 'consistency',
  choices: { solver: ['euler', 'heun'] },
  options: { stages: [4], top: 0.15, huber: 0.1, solver: 'heun' as 'euler' | 'heun', substeps: 4 },
  times(random, { range, progress }, { stages, top }) {
    const levels = stages[Math.min(stages.length - 1, Math.floor(progress * stages.length))]!
    const [choice, position] = [random.uniform(), random.uniform()]
    const u = choice < top ? 0 : position
    const down = u + 1 / levels
    return { t: karrasSigma(u, range), r: down >= 1 ? range.sigma_min : karrasSigma(down, range) }
  },
  loss({ student, target: self, teacher, x0, noise, t, r, condition }, { huber, ...how }) {
    const x_t = x0.add(noise.mul(perPicture(t)))
    const x_r = odeSteps(teacher!, x_t, t, r, condition, how)
    const target = self.denoise(x_r, r, condition).stopGradient()
    const { c_out } = edmPreconditioning(t, student.range.sigma_data)
    const error = student.denoise(x_t, t, condition).sub(target).div(perPicture(c_out))
    return pseudoHuber(error.sumSquares([1, 2, 3]).mul(x0.shape[0]! / x0.size), huber)
  },
})
