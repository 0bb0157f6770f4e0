/** A pipeline for tests, whose denoiser is a function. */
import type { NoiseRange } from '../diffusion/index.js'
import { RANGE } from '../diffusion/testing.js'
import type { PictureShape } from '../picture/index.js'
import type { Codec } from '../space/index.js'
import { Pipeline, type PipelineConfig } from './index.js'

/** The inputs of the denoiser for a batch. */
export type Told = Readonly<Record<string, Float32Array>>

export interface Toy {
  readonly kind?: 'student' | 'teacher'
  /** The shape of the points that it works on. */
  readonly shape: PictureShape
  readonly range?: NoiseRange
  /** What can be asked for; if there are none, it takes no prompts. */
  readonly classes?: readonly string[]
  /** Whether it is told a guidance scale. */
  readonly guided?: boolean
  /** Whether it is told where jumps end. */
  readonly jumps?: boolean
  /** What its config recommends: what is not said is the plainest. */
  readonly sampling?: object
  readonly codec?: Codec
  denoise(told: Told): Float32Array
}

/** `asked` is what the denoiser was told, run by run. */
export const toyPipeline = ({
  kind = 'student',
  shape,
  range = RANGE,
  classes = ['a', 'b'],
  guided = false,
  jumps = false,
  sampling = {},
  codec,
  denoise,
}: Toy): { pipeline: Pipeline; asked: Told[] } => {
  const asked: Told[] = []
  const isStudent = kind === 'student'
  const isPlain = classes.length === 0
  // A pipeline reads no more of a network's config.
  const config = {
    kind,
    ...range,
    space: { kind: 'pixels' },
    network: {
      ...shape,
      embedding: {
        condition: isPlain ? { kind: 'none' } : { kind: 'class', classes: classes.length },
        guidance_embedding: guided,
        jump_embedding: jumps,
      },
    },
    vocabulary: isPlain ? { kind: 'none' } : { kind: 'class', classes },
    sampling: {
      solver: isStudent ? 'consistency' : 'ddim',
      schedule: 'karras',
      num_inference_steps: isStudent ? 1 : 3,
      guidance_scale: 1,
      gamma: 1,
      sigmas: {},
      ...sampling,
    },
  } as unknown as PipelineConfig
  const source = {
    executable: async () => ({
      run: async (inputs: Readonly<Record<string, unknown>>) => {
        const told = inputs as Told
        asked.push(told)
        return { denoised: denoise(told) }
      },
      release: async () => {},
    }),
    release: async () => {},
  }
  return { pipeline: new Pipeline(config, source, codec), asked }
}
