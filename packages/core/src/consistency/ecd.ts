import {
  type Condition,
  edmPreconditioning,
  karrasSigma,
  meanSquare,
  noised,
  objective,
  perPicture,
} from '../diffusion/index.js'
import type { Tensor } from '../tensor/index.js'
import { pseudoHuber } from './distance.js'
import { levelsOfWay, odePath, type PathSolver } from './ode.js'
import { atTop } from './start.js'

/**
 * Easy consistency distillation: the loss of easy consistency tuning (Geng et al. 2024, eq. 9–12) with the teacher's
 * ODE as target (Song et al. 2023, algorithm 2).
 *
 * - t and r lie on the Karras schedule, r one level of an N-level grid below t. With one level, the default, r is always
 *   sigma_min, and the target the end of the teacher's own way (Luhman & Luhman 2021). Each further level is a place where
 *   the student's own error enters its target, and shortens the teacher's way. Where `stages` has several numbers, N goes
 *   through them in equal parts of the training;
 * - the teacher's ODE leads from x_t to x_r, in `substeps` steps, which keeps so long a way exact, and the student itself,
 *   held fixed, gives the target there;
 * - every point that the teacher passes on its way is of the same trajectory and has the same target: the student can learn
 *   at several `points` of it, evenly spaced, the first one at t;
 * - a share `top` of the batch begins exactly at sigma_max, where one-step sampling does, the others evenly: over the whole
 *   schedule with one point, over its beginning with several, whose others lie below, each evenly over its own part. The
 *   teacher's steps are then equally long, and the last one ends early where the schedule does;
 * - the error is measured in units of the network's output, c_out(t), so that every noise level counts the same, and
 *   its pseudo-Huber norm √(mean e² + c²) − c keeps outliers from ruling the gradient.
 */
export const ecd = objective({
  name: 'ecd',
  about: 'easy consistency distillation along the teacher’s ODE (Song et al. 2023, Geng et al. 2024)',
  teacher: true,
  kind: 'student',
  parametrization: 'consistency',
  /** Each picture is as many examples as it has points. */
  batch: 16,
  choices: { solver: ['euler', 'heun', 'dpmpp_2m'] },
  options: {
    stages: [1],
    /** Every picture has a point in the schedule's first quarter; half of these lie where one step begins. */
    top: 0.5,
    huber: 0.1,
    /** The solver that the teachers here paint best with. */
    solver: 'dpmpp_2m' as PathSolver,
    substeps: 8,
    points: 4,
  },
  times(random, { range, progress }, { stages, top, substeps, points }) {
    const levels = stages[Math.min(stages.length - 1, Math.floor(progress * stages.length))]!
    const start = atTop(random, top)
    const position = random.uniform()
    const at = (u: number) => (u < 1 ? karrasSigma(u, range) : range.sigma_min)
    // With several points, the first one leaves the rest of the way to the others.
    const taken = Math.min(points, substeps)
    const u = start ? 0 : position * (1 - (1 - 1 / taken) / levels)
    const down = Math.min(1, u + 1 / levels)
    const step = taken === 1 ? (down - u) / substeps : 1 / (levels * substeps)
    return { t: at(u), r: at(down), s: at(Math.min(down, u + step)) }
  },
  loss(
    { student, target: self, teacher, x0, noise, t, r, s, condition },
    { huber, solver, substeps, points },
  ) {
    const x_t = noised(x0, noise, t)
    const path = odePath(teacher!, x_t, levelsOfWay(t, s, r, substeps), condition, solver)
    const target = self.denoise(path.pop()!.x, r, condition).stopGradient()
    const some = evenly(path, points)
    const [first, ...others] = some
    const x = first!.x.concat(
      others.map(({ x }) => x.stopGradient()),
      0,
    )
    const sigma = first!.sigma.concat(
      others.map(({ sigma }) => sigma),
      0,
    )
    const { c_out } = edmPreconditioning(sigma, student.range.sigma_data)
    const error = student.denoise(x, sigma, repeated(condition, some.length)).sub(repeat(target, some.length))
    const losses = pseudoHuber(meanSquare(error.div(perPicture(c_out, error))), huber)
    return losses.reshape([some.length, x0.shape[0]!]).mean([0])
  },
})

/** `count` of the items, evenly spaced from the first on; all of them if there are no more. */
const evenly = <T>(items: readonly T[], count: number): T[] => {
  const taken = Math.min(count, items.length)
  return Array.from({ length: taken }, (_, i) => items[Math.floor((i * items.length) / taken)]!)
}

/** A batch, `times` times over: [B, …] → [times·B, …]. */
const repeat = (tensor: Tensor, times: number): Tensor =>
  tensor.concat(
    Array.from({ length: times - 1 }, () => tensor),
    0,
  )

const repeated = (condition: Condition, times: number): Condition =>
  times === 1
    ? condition
    : Object.fromEntries(Object.entries(condition).map(([name, value]) => [name, repeat(value!, times)]))
