import {
  choice,
  errorUnit,
  jump,
  karrasSigma,
  meanSquare,
  noised,
  number,
  objective,
  odeStep,
  perPicture,
  share,
  wholes,
} from '../diffusion/index.js'
import { stageOf } from './discretization.js'
import { pseudoHuber } from './distance.js'
import { atTop, TOP } from './start.js'

/** A jump is at least this share of its t long: the loss divides by its length, in float32. */
const SHORTEST = 1e-3

/**
 * Solution flow (Luo et al. 2025): the student learns the ODE's solution from any noise level t to any other s < t, by
 * its consistency over a finite step: the jump t → s is pulled towards one from r, between s and t, to s, where the
 * ODE's own step leads from x_t to x_r: a teacher's, which is an addition to the paper, or from data the straight line.
 *
 * Times: t is even over the Karras schedule, but for a share `top` at sigma_max; s is sigma_min for a share `bottom`, else even
 * from t down; r is a step of a grid below t, or s where that is nearer. This is not the paper's schedule, nor its weight:
 * docs/methods.md says why. The error is in units of D's own (`errorUnit`) times the jump's length 1 − s/t.
 */
export const soflow = objective({
  name: 'soflow',
  about: 'solutions between any two noise levels, for any number of steps (after SoFlow, Luo et al. 2025)',
  teacher: 'optional',
  kind: 'student',
  boundary: false,
  flow_map: true,
  options: {
    grids: wholes([4, 8, 16, 24]),
    top: share(TOP),
    bottom: share(0.5),
    huber: number(0.1, { above: 0 }),
    solver: choice('heun', ['ddim', 'heun']),
  },
  times(random, { range, progress }, { grids, top, bottom }) {
    const { sigma_min } = range
    const N = stageOf(grids, progress)
    const start = atTop(random, top)
    const position = random.uniform()
    const whole = random.uniform() < bottom
    const depth = random.uniform()
    const u = start ? 0 : position
    const t = Math.max(karrasSigma(u, range), sigma_min * (1 + 2 * SHORTEST))
    const down = u + 1 / N < 1 ? karrasSigma(u + 1 / N, range) : sigma_min
    const end = whole ? sigma_min : karrasSigma(u + depth * (1 - u), range)
    const s = Math.max(sigma_min, Math.min(end, t * (1 - SHORTEST)))
    return { t, r: Math.max(s, down), s }
  },
  loss({ student, target, teacher, x0, noise, t, r, s, condition }, { huber, solver }) {
    const x_t = noised(x0, noise, t)
    const x_r = teacher ? odeStep(teacher, x_t, t, r, condition, solver) : noised(x0, noise, r)
    const goal = jump(target, x_r, r, s, condition).stopGradient()
    const unit = errorUnit(t, student.range.sigma_data).mul(t.sub(s).div(t))
    const error = jump(student, x_t, t, s, condition).sub(goal)
    return pseudoHuber(meanSquare(error.div(perPicture(unit, error))), huber)
  },
})
