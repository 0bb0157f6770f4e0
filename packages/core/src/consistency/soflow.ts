import { edmPreconditioning, jump, karrasSigma, objective, perPicture } from '../diffusion/index.js'
import { pseudoHuber } from './distance.js'
import { odeStep } from './ode.js'

/**
 * Solution flow (Luo et al. 2025): the student learns the ODE's solution from any noise level t to any other s ≤ t, by
 * its consistency over a finite step: the jump t → s is pulled towards one from r, a little below t, to s, where the
 * ODE's own step leads from x_t to x_r. No derivative of the network is needed, and one network does any number of steps.
 * With a teacher the step is that of its ODE, from data the straight line to the picture.
 *
 * t and r as in `ecd`; s is sigma_min for a share `bottom` of the pictures, and else even over the Karras schedule from
 * r down. The error is measured in units of the network's output, as there: a difference between jumps is
 * (1 − s/t)·c_out(t) times that.
 */
export const soflow = objective({
  name: 'soflow',
  about: 'solutions between any two noise levels, for any number of steps (SoFlow, Luo et al. 2025)',
  teacher: 'optional',
  kind: 'student',
  parametrization: 'edm',
  flow_map: true,
  choices: { solver: ['euler', 'heun'] },
  options: {
    ...{ stages: [4, 8, 16, 24], top: 0.15, bottom: 0.5, huber: 0.1 },
    solver: 'heun' as 'euler' | 'heun',
  },
  times(random, { range, progress }, { stages, top, bottom }) {
    const levels = stages[Math.min(stages.length - 1, Math.floor(progress * stages.length))]!
    const [choice, position, end, depth] = [
      ...[random.uniform(), random.uniform(), random.uniform(), random.uniform()],
    ] as [number, number, number, number]
    const u = choice < top ? 0 : position
    const down = u + 1 / levels
    const t = karrasSigma(u, range)
    if (down >= 1) return { t, r: range.sigma_min, s: range.sigma_min }
    const s = end < bottom ? range.sigma_min : karrasSigma(down + depth * (1 - down), range)
    return { t, r: karrasSigma(down, range), s }
  },
  loss({ student, target, teacher, x0, noise, t, r, s, condition }, { huber, solver }) {
    const x_t = x0.add(noise.mul(perPicture(t)))
    const x_r = teacher ? odeStep(teacher, x_t, t, r, condition, solver) : x0.add(noise.mul(perPicture(r)))
    const goal = jump(target, x_r, r, s, condition).stopGradient()
    const { c_out } = edmPreconditioning(t, student.range.sigma_data)
    const unit = c_out.mul(t.sub(s).div(t))
    const error = jump(student, x_t, t, s, condition).sub(goal).div(perPicture(unit))
    return pseudoHuber(error.sumSquares([1, 2, 3]).mul(x0.shape[0]! / x0.size), huber)
  },
})
