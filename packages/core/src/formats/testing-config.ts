/** For tests only: what a model's config says beside its network, if nobody trained the model. */
import type { ModelConfig } from './config.js'

/** A teacher's, without prompts, in the order of files. */
export const UNTRAINED = {
  sigma_min: 0.01,
  sigma_max: 20,
  sigma_data: 0.5,
  vocabulary: { kind: 'none' },
  sampling: {
    solver: 'heun',
    schedule: 'karras',
    num_inference_steps: 8,
    guidance_scale: 1,
    gamma: 1,
    sigmas: {},
  },
  method: { name: 'diffusion', options: {} },
  provenance: {
    data: { name: 'none', sha256: '', images: 1 },
    images_seen: 0,
    seconds: 0,
    seed: 0,
    preset: 'tiny',
    versions: {},
  },
} as const satisfies Partial<ModelConfig>
