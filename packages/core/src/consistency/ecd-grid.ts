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
  wholes,
} from '../diffusion/index.js'
import { stageOf } from './discretization.js'
import { pseudoHuber } from './distance.js'
import { atTop, TOP } from './start.js'
import { stepsBetween } from './trajectory.js'

/**
 * Easy consistency distillation over a grid: the loss of easy consistency tuning (Geng et al. 2024, eq. 9–12) with the
 * teacher's ODE in place of the data (Song et al. 2023, algorithm 2).
 *
 * - t is even over the Karras schedule, but for a share `top` at sigma_max; r is one of N steps below t, or sigma_min where that
 *   is nearer. N goes through `grids` in equal parts of the training.
 * - The teacher's ODE leads from x_t to x_r in `substeps` steps, and the student itself, held fixed, gives the target there. Each
 *   of the N steps is a place where its own error enters its target, and shortens the teacher's part.
 * - The error is measured as in ecd.ts.
 */
export const ecdGrid = objective({
  name: 'ecd-grid',
  about: 'ecd, whose target is the student’s own guess a part of the way on (Geng et al. 2024)',
  teacher: true,
  kind: 'student',
  boundary: true,
  options: {
    grids: wholes([4]),
    top: share(TOP),
    huber: number(0.1, { above: 0 }),
    solver: choice('heun', SOLVER_NAMES),
    substeps: whole(4, { most: 64 }),
  },
  times(random, { range, progress }, { grids, top }) {
    const N = stageOf(grids, progress)
    const start = atTop(random, top)
    const position = random.uniform()
    const u = start ? 0 : position
    const down = u + 1 / N
    return { t: karrasSigma(u, range), r: down < 1 ? karrasSigma(down, range) : range.sigma_min }
  },
  loss({ student, target, teacher, x0, noise, t, r, condition }, { huber, solver, substeps }) {
    const x_t = noised(x0, noise, t)
    const levels = stepsBetween(t, r, substeps)
    const x_r = SOLVERS[solver].trajectory(teacher!, x_t, levels, condition).at(-1)!.x
    const goal = target.denoise(x_r, r, condition).stopGradient()
    const error = student.denoise(x_t, t, condition).sub(goal)
    const unit = perPicture(errorUnit(t, student.range.sigma_data), error)
    return pseudoHuber(meanSquare(error.div(unit)), huber)
  },
})
