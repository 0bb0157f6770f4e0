/** What a model allows, read from its config, so that requests can be checked without the model. */
import { type SamplerName, SCHEDULE_NAMES, SOLVER_NAMES, SOLVERS } from '../diffusion/index.js'
import { UserError } from '../errors/index.js'
import type { PictureShape } from '../picture/index.js'
import { pictureOf } from '../space/index.js'
import { type Conditioner, takesPrompts } from '../text/index.js'
import { checkNumbers, checkSigmas } from './checks.js'
import { checkEdit } from './edit.js'
import type { GenerateOptions, PipelineConfig } from './options.js'

/** A student's steps in an edit: the first leaves traces of the old picture, and does not know what a mask keeps. */
const EDITING_STEPS = 4

/** The shape of a model's pictures. */
export const shapeOf = ({ network, space }: Pick<PipelineConfig, 'network' | 'space'>): PictureShape =>
  pictureOf(space, { channels: network.channels, height: network.height, width: network.width })

/** Whether a model can be asked for a guidance scale, and for a negative prompt with it. */
export const takesGuidance = ({
  kind,
  network,
  vocabulary,
}: Pick<PipelineConfig, 'kind' | 'network' | 'vocabulary'>): boolean =>
  takesPrompts(vocabulary) && (kind === 'teacher' || network.embedding.guidance_embedding)

/** @throws UserError if the model cannot take a prompt; `option` says where it was given. */
export const checkPrompt = (conditioner: Conditioner, prompt: string, option = 'prompt'): void => {
  const refusal = conditioner.refusal(prompt)
  if (refusal === undefined) return
  throw new UserError(refusal, {
    option,
    remedy: takesPrompts(conditioner.shape) ? undefined : `leave out \`${option}\``,
  })
}

/** How a model samples with these options; its recommendations are the defaults. @throws UserError if they do not fit the model. */
export const samplingOf = (config: PipelineConfig, options: Partial<GenerateOptions>) => {
  const { sampling, kind, network, vocabulary } = config
  const solver = options.solver ?? sampling.solver
  const recommended =
    options.image && kind === 'student'
      ? Math.max(EDITING_STEPS, sampling.num_inference_steps)
      : sampling.num_inference_steps
  const num_inference_steps = options.sigmas?.length ?? options.num_inference_steps ?? recommended
  const guidance_scale = options.guidance_scale ?? sampling.guidance_scale
  checkNumbers({ ...options, num_inference_steps, guidance_scale })
  if ((solver === 'consistency') !== (kind === 'student'))
    throw new UserError(
      kind === 'student'
        ? `this model is a consistency student: it is sampled with the solver consistency, not ${solver}`
        : `this model is a diffusion model: choose the solver ${listed(SOLVER_NAMES, 'or')}`,
      { option: 'solver' },
    )
  if (options.schedule === 'lcm' && (kind === 'teacher' || num_inference_steps > 50))
    throw new UserError(
      kind === 'teacher'
        ? `the schedule lcm is for students; a diffusion model has ${listed(SCHEDULE_NAMES, 'and')}`
        : 'the schedule lcm has 50 noise levels: there are no more steps',
      { option: 'schedule' },
    )
  if (kind === 'teacher' && (options.sigmas ?? options.gamma) !== undefined)
    throw new UserError('noise levels and gamma are for students; this model is a diffusion model', {
      option: options.sigmas ? 'sigmas' : 'gamma',
      remedy: 'choose `solver`, `schedule` and `num_inference_steps`',
    })
  if (kind === 'student' && guidance_scale !== 1 && !network.embedding.guidance_embedding)
    throw new UserError('this student has no guidance input: guidance was fixed when it was distilled', {
      option: 'guidance_scale',
      remedy: 'leave out `guidance_scale`',
    })
  const [least, most] = sampling.guidance_range ?? [0, Number.POSITIVE_INFINITY]
  if (guidance_scale < least || guidance_scale > most)
    throw new UserError(
      `this student learned guidance scales from ${least} to ${most}, and not ${guidance_scale}`,
      { option: 'guidance_scale', remedy: 'choose one between them, or distil with a wider range' },
    )
  if (guidance_scale !== 1 && !takesPrompts(vocabulary))
    throw new UserError(
      'this model was trained without prompts or classes: there is nothing to guide it by',
      {
        option: 'guidance_scale',
        remedy: 'leave out `guidance_scale`',
      },
    )
  if (kind === 'student' && options.negative_prompt && !network.embedding.guidance_embedding)
    throw new UserError(
      'this student has no guidance input, so there is nothing for a negative prompt to act on',
      {
        option: 'negative_prompt',
        remedy: 'leave it out, or distil with a range of guidance, such as 1-6',
      },
    )
  if (options.sigmas) checkSigmas(options.sigmas, config)
  checkEdit(options)
  const schedule = options.schedule ?? sampling.schedule
  return {
    solver,
    schedule,
    num_inference_steps,
    guidance_scale,
    nfe: evaluationsOf(solver, num_inference_steps, guidance_scale),
  }
}

const evaluationsOf = (solver: SamplerName, steps: number, guidance_scale: number): number => {
  if (solver === 'consistency') return steps
  return SOLVERS[solver].evaluations(steps) * (guidance_scale === 1 ? 1 : 2)
}

/** `a, b or c` */
const listed = (names: readonly string[], last: 'and' | 'or'): string =>
  `${names.slice(0, -1).join(', ')} ${last} ${names.at(-1)}`
