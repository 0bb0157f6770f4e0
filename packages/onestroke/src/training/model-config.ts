/** What a run's model is, and what is told of it. */
import { type DenoiserConfig, EDM, type Objective } from '@onestroke/core/diffusion'
import type { ModelConfig } from '@onestroke/core/formats'
import type { LoadedModel } from '../model/index.js'
import { beginningOf, type Given, networkOf } from './beginning.js'
import type { Progress } from './state.js'
import type { GuidanceScale } from './step.js'
import { versions } from './versions.js'

/**
 * The network, with the inputs that the method asks for, and how it is read: as the model that it begins as; else with the
 * prediction of the teacher, or of the plan.
 */
export const denoiserConfig = (options: Given, objective: Objective): DenoiserConfig => {
  const { plan, teacher, initFrom } = options
  const { sigma_min, sigma_max } = plan
  // What is refined stays what it is.
  const refined = objective.refines ? initFrom?.config : undefined
  const { embedding, ...rest } = networkOf(options)
  const inputs = {
    // Who listens to guidance goes on listening: without that input its pictures would be others.
    guidance_embedding:
      typeof plan.guidance_scale !== 'number' ||
      initFrom?.config.network.embedding.guidance_embedding === true,
    jump_embedding: objective.flow_map === true,
  }
  const network = { ...rest, embedding: { ...embedding, ...inputs } }
  const before = beginningOf(options, network)?.model.config
  return {
    network,
    prediction: before?.prediction ?? teacher?.config.prediction ?? plan.prediction ?? EDM.prediction,
    path: before?.path ?? EDM.path,
    boundary: refined?.boundary ?? objective.boundary,
    sigma_min,
    sigma_max,
    sigma_data: 0.5,
  }
}

/**
 * What a student is asked for unless somebody says so: the least that it learned, or 1 where it has no such input. One that went
 * on learning at a single scale is best there.
 */
const usualGuidance = (
  scale: GuidanceScale,
  initFrom?: LoadedModel,
): Pick<ModelConfig['sampling'], 'guidance_scale' | 'guidance_range'> => {
  if (typeof scale !== 'number') return { guidance_scale: scale[0], guidance_range: [...scale] }
  const range = initFrom?.config.sampling.guidance_range
  return range ? { guidance_scale: scale, guidance_range: range } : { guidance_scale: 1 }
}

/** The config of the model as it is after so much progress. */
export const modelConfig = (
  { plan, dataset, vocabulary, teacher, initFrom }: Given,
  objective: Objective,
  denoiser: DenoiserConfig,
  { step, seconds }: Progress,
): ModelConfig => ({
  format: 'onestroke/1',
  kind: objective.kind,
  ...denoiser,
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
  ...(teacher?.config.example && { example: teacher.config.example }),
  method: { name: plan.method, options: { ...plan.method_options, guidance_scale: plan.guidance_scale } },
  provenance: {
    ...(teacher && { parent: teacher.sha256 }),
    ...(initFrom && { init_from: initFrom.sha256 }),
    data: {
      name: plan.data.spec,
      sha256: dataset.sha256,
      images: dataset.count,
      ...(dataset.license !== undefined && { license: dataset.license }),
    },
    images_seen: step * plan.batch,
    seconds: Math.round(seconds * 10) / 10,
    seed: plan.seed,
    preset: plan.preset,
    versions: versions(),
  },
})
