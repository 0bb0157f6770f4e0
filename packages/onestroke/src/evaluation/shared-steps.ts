/** Paints a student's pictures at several sets of noise levels that begin alike, without doing the common steps twice. */
import { multistep } from '@onestroke/core/consistency'
import type { DenoiseFunction } from '@onestroke/core/diffusion'
import type { Pipeline } from '@onestroke/core/pipeline'
import { BATCH, type Judge } from './judge.js'
import { learnedGuidance } from './prompts.js'

/** The parts of a model and of a judge that are used here. */
export type Painting = Pick<Pipeline, 'config' | 'pictureSize' | 'codec' | 'denoiser' | 'noise'>
export type Prompting = Pick<Judge, 'samples' | 'batch'>

/** Numbers that are remembered, at most: half a gibibyte. */
const MOST_REMEMBERED = 2 ** 27

/**
 * Makes what paints the judge's prompts with given levels from the noise of a seed, as `Judge.paint` would, but
 * remembers the model's answers in the steps that others share: those in which the levels are the ones of `common`.
 */
export const sharedPainter = (model: Painting, judge: Prompting) => {
  const { config } = model
  const { gamma } = config.sampling
  const known = new Map<string, Float32Array>()
  let remembered = 0
  return async (
    levels: readonly number[],
    seed: number,
    common: readonly number[],
  ): Promise<Float32Array> => {
    const alike = levels.findIndex((level, i) => level !== common[i])
    const equal = alike < 0 ? levels.length : alike
    // Where noise does not take back all of a step, it also depends on the level that comes next.
    const shared = gamma === 1 ? equal : equal - 1
    const pictures = new Float32Array(judge.samples * model.pictureSize)
    for (let first = 0; first < judge.samples; first += BATCH) {
      const denoise = await model.denoiser(judge.batch(first), learnedGuidance(config))
      let step = 0
      const remembering: DenoiseFunction = async (x, sigma, s) => {
        if (step++ >= shared) return denoise(x, sigma, s)
        const key = [seed, first, ...levels.slice(0, step), s].join()
        const answer = known.get(key)
        if (answer) return answer
        const D = await denoise(x, sigma, s)
        if (remembered + D.length <= MOST_REMEMBERED) {
          known.set(key, D)
          remembered += D.length
        }
        return D
      }
      const noise = (step: number) => model.noise(seed, first, BATCH, step)
      const start = noise(0).map((value) => value * config.sigma_max)
      const points = await multistep(remembering, start, levels, config, noise, { gamma })
      const painted = await model.codec.decode(points)
      const here = Math.min(BATCH, judge.samples - first) * model.pictureSize
      pictures.set(painted.subarray(0, here), first * model.pictureSize)
      await new Promise(setImmediate)
    }
    return pictures
  }
}
