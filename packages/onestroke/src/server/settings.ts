/** How pictures are to be painted: requests that agree in this can share a run. */
import type { GenerateOptions } from '@onestroke/core/pipeline'

export type Settings = Pick<
  GenerateOptions,
  'num_inference_steps' | 'guidance_scale' | 'negative_prompt' | 'solver'
>
