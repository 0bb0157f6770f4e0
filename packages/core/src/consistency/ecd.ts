import {
  choice,
  errorUnit,
  karrasSigma,
  meanSquare,
  noised,
  number,
  objective,
  perPicture,
  SOLVER_NAMES,
  SOLVERS,
  share,
  whole,
} from '../diffusion/index.js'
import { joined } from '../tensor/index.js'
import { pseudoHuber } from './distance.js'
import { atTop } from './start.js'
import { evenly, repeated, repeatedCondition, stepsDown } from './trajectory.js'

/**
 * Easy consistency distillation: the loss of easy consistency tuning (Geng et al. 2024) with the end of the teacher's own
 * trajectory as target (Luhman & Luhman 2021).
 *
 * - The teacher's ODE leads from x_t to sigma_min, by `substeps` steps from sigma_max, which are equally long on the Karras
 *   schedule; from a lower t it is there earlier.
 * - Every point that it passes has the same target, its end. The student learns at `points` of them, evenly spaced, the first
 *   one at t.
 * - A share `top` of the batch has t = sigma_max, where one-step sampling begins. For the others t is even over the beginning
 *   of the schedule, so that the further points are even over the rest.
 * - The error is measured in units of D's own (`errorUnit`), so that every noise level counts the same, and its pseudo-Huber norm
 *   √(mean e² + c²) − c keeps outliers from ruling the gradient.
 */
export const ecd = objective({
  name: 'ecd',
  about: 'easy consistency distillation along the teacher’s ODE (Song et al. 2023, Geng et al. 2024)',
  teacher: true,
  kind: 'student',
  boundary: true,
  /** Each picture is as many examples as it has points. */
  batch: 16,
  options: {
    top: share(0.5),
    huber: number(0.1, { above: 0 }),
    solver: choice('dpmpp_2m', SOLVER_NAMES),
    substeps: whole(8, { most: 64 }),
    points: whole(4, { most: 64 }),
  },
  times(random, { range }, { top, substeps, points }) {
    const start = atTop(random, top)
    const position = random.uniform()
    const u = start ? 0 : position / Math.min(points, substeps)
    return { t: karrasSigma(u, range), r: range.sigma_min }
  },
  loss({ student, teacher, x0, noise, t, condition }, { huber, solver, substeps, points }) {
    const levels = stepsDown(t, substeps, student.range)
    const trajectory = SOLVERS[solver].trajectory(teacher!, noised(x0, noise, t), levels, condition)
    const end = trajectory.pop()!.x.stopGradient()
    const learned = evenly(trajectory, points)
    const count = learned.length
    const x = joined(learned.map((point) => point.x.stopGradient()))
    const sigma = joined(learned.map((point) => point.sigma))
    const error = student.denoise(x, sigma, repeatedCondition(condition, count)).sub(repeated(end, count))
    const unit = perPicture(errorUnit(sigma, student.range.sigma_data), error)
    const losses = pseudoHuber(meanSquare(error.div(unit)), huber)
    return losses.reshape([count, x0.shape[0]!]).mean([0])
  },
})
