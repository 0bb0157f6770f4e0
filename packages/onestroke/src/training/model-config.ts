/** The config of a run's model, with its provenance. */
import type { ModelConfig } from '@onestroke/core/formats'
import type { LoadedModel } from '../model/index.js'
import { spaceOf } from './beginning.js'
import type { Job } from './job.js'
import type { Progress } from './state.js'
import type { GuidanceScale } from './step.js'
import { versions } from './versions.js'

/**
 * Default guidance of a student: the lowest scale that it learned, or 1 if it has no guidance input. A student that
 * continued at a single scale is best at that scale.
 */
const usualGuidance = (
  scale: GuidanceScale,
  initFrom?: LoadedModel,
): Pick<ModelConfig['sampling'], 'guidance_scale' | 'guidance_range'> => {
  if (typeof scale !== 'number') return { guidance_scale: scale[0], guidance_range: [...scale] }
  const range = initFrom?.config.sampling.guidance_range
  return range ? { guidance_scale: scale, guidance_range: range } : { guidance_scale: 1 }
}

/** The config of the model after this progress. */
export const modelConfig = (
  { given, objective, denoiser }: Job,
  { step, seconds }: Progress,
): ModelConfig => {
  const { plan, dataset, vocabulary, teacher, initFrom } = given
  return {
    format: 'onestroke/1',
    kind: objective.kind,
    ...denoiser,
    space: spaceOf(given),
    vocabulary,
    sampling:
      objective.kind === 'teacher'
        ? {
            solver: 'dpmpp_2m',
            schedule: 'karras',
            num_inference_steps: 12,
            guidance_scale: 1,
            gamma: 1,
            sigmas: {},
          }
        : {
            solver: 'consistency',
            schedule: 'karras',
            num_inference_steps: 1,
            ...usualGuidance(plan.guidance_scale, initFrom),
            // A flow map goes where the trajectory does; others start each step from fresh noise.
            gamma: objective.flow_map ? 0 : 1,
            sigmas: {},
          },
    // From the same noise, a student paints what its teacher does.
    example: teacher?.config.example,
    method: { name: plan.method, options: { ...plan.method_options, guidance_scale: plan.guidance_scale } },
    provenance: {
      parent: teacher?.sha256,
      init_from: initFrom?.sha256,
      data: {
        name: plan.data.spec,
        sha256: dataset.sha256,
        images: dataset.count,
        license: dataset.license,
      },
      images_seen: step * plan.batch,
      seconds: Math.round(seconds * 10) / 10,
      seed: plan.seed,
      preset: plan.preset,
      versions: versions(),
    },
  }
}
