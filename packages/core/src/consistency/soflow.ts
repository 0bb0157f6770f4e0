import {
  edmPreconditioning,
  jump,
  karrasSigma,
  meanSquare,
  noised,
  objective,
  perPicture,
} from '../diffusion/index.js'
import { pseudoHuber } from './distance.js'
import { odeStep } from './ode.js'
import { atTop, TOP } from './start.js'

/** A jump is at least this share of its t long: the loss divides by its length, in float32. */
const SHORTEST = 1e-3

/**
 * Solution flow (Luo et al. 2025): the student learns the ODE's solution from any noise level t to any other s < t, by
 * its consistency over a finite step: the jump t → s is pulled towards one from r, between s and t, to s, where the
 * ODE's own step leads from x_t to x_r. No derivative of the network is needed, and one network does any number of steps.
 * With a teacher, which is an addition to the paper, the step is that of its ODE; from data the straight line to the picture.
 *
 * Times: t is even over the Karras schedule, but for a share `top` that begins at sigma_max (see start.ts); s is sigma_min
 * for a share `bottom`, and else even over the schedule from t down; r is one level of a grid below t, or s where that is
 * nearer. The grid grows fine in `stages`, as in `ecd`.
 *
 * This is not the paper's schedule. There t and s are logit-normal, and r = t − (t − s)·r_k in the flow's time, with r_k
 * falling exponentially, from 1 to 0.0003 for CIFAR-10 and from 0.1 to 0.002 for ImageNet. Steps that short bring what is
 * known at the clean end up to the noise in 10⁵ and more updates, and not in a short run: on the mixture of Gaussians of
 * training/mixture.test.ts, 800 updates leave one step off by 0.17 to 0.19 with the paper's times (and `top`), by 0.34 with
 * its r for the t and s of this file, and by 0.08 with the levels.
 *
 * The error is measured in units of the network's output: a difference between jumps is (1 − s/t)·c_out(t) times that. Its
 * pseudo-Huber norm takes the place of the paper's weight (mean e² + eps)^−p. The paper adds flow matching for 75 % of the
 * batch on ImageNet and none on CIFAR-10; here jumps shorter than a level, whose target is the ODE's own step, are all there is.
 */
export const soflow = objective({
  name: 'soflow',
  about: 'solutions between any two noise levels, for any number of steps (after SoFlow, Luo et al. 2025)',
  teacher: 'optional',
  kind: 'student',
  parametrization: 'edm',
  flow_map: true,
  choices: { solver: ['euler', 'heun'] },
  options: {
    stages: [4, 8, 16, 24],
    top: TOP,
    bottom: 0.5,
    huber: 0.1,
    solver: 'heun' as 'euler' | 'heun',
  },
  times(random, { range, progress }, { stages, top, bottom }) {
    const { sigma_min } = range
    const levels = stages[Math.min(stages.length - 1, Math.floor(progress * stages.length))]!
    const start = atTop(random, top)
    const position = random.uniform()
    const whole = random.uniform() < bottom
    const depth = random.uniform()
    const u = start ? 0 : position
    const t = Math.max(karrasSigma(u, range), sigma_min * (1 + 2 * SHORTEST))
    const level = u + 1 / levels < 1 ? karrasSigma(u + 1 / levels, range) : sigma_min
    const end = whole ? sigma_min : karrasSigma(u + depth * (1 - u), range)
    const s = Math.max(sigma_min, Math.min(end, t * (1 - SHORTEST)))
    return { t, r: Math.max(s, level), s }
  },
  loss({ student, target, teacher, x0, noise, t, r, s, condition }, { huber, solver }) {
    const x_t = noised(x0, noise, t)
    const x_r = teacher ? odeStep(teacher, x_t, t, r, condition, solver) : noised(x0, noise, r)
    const goal = jump(target, x_r, r, s, condition).stopGradient()
    const { c_out } = edmPreconditioning(t, student.range.sigma_data)
    const unit = c_out.mul(t.sub(s).div(t))
    const error = jump(student, x_t, t, s, condition).sub(goal)
    return pseudoHuber(meanSquare(error.div(perPicture(unit, error))), huber)
  },
})
