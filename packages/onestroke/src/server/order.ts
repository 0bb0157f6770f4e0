/** From a request to what is painted: checked against the model before anything waits. */

import { UserError } from '@onestroke/core/errors'
import { checkPrompt, drawSeed, samplingOf, seedsFrom, shapeOf } from '@onestroke/core/pipeline'
import { readImage, readMask } from '../data/index.js'
import { type GenerateBody, PICTURES } from './schemas.js'
import type { ServedModel } from './service.js'
import type { PaintOrder, Settings } from './settings.js'

/** @throws UserError if the model cannot do it, or if a picture cannot be read. */
export const orderOf = async (
  { config, conditioner }: ServedModel,
  { prompt, n, seed = drawSeed(), ...how }: Pick<GenerateBody, 'prompt' | 'n'> & Partial<GenerateBody>,
): Promise<PaintOrder> => {
  checkPrompt(conditioner, prompt)
  checkPrompt(conditioner, how.to?.prompt ?? '', 'to.prompt')
  checkPrompt(conditioner, how.negative_prompt ?? '', 'negative_prompt')
  const settings = settingsOf(how)
  const edited = await editedOf(config, how)
  const { to: _, ...sampling } = settings
  samplingOf(config, { ...sampling, ...edited })
  const weights = how.to && weightsOf(how.to, n)
  const isWay = weights !== undefined && how.to?.weight === undefined
  const seeds = isWay ? Array<number>(n).fill(seed) : seedsFrom(seed, n)
  return { prompts: seeds.map(() => prompt), seeds, settings, ...edited, weights }
}

const settingsOf = ({
  steps,
  guidance_scale,
  negative_prompt,
  solver,
  strength,
  to,
}: Partial<GenerateBody>): Settings => ({
  num_inference_steps: steps,
  guidance_scale,
  negative_prompt,
  solver,
  strength,
  to: to && { prompt: to.prompt, seed: to.seed },
})

const editedOf = async (
  config: Pick<ServedModel['config'], 'network' | 'space'>,
  { image, mask }: Partial<GenerateBody>,
): Promise<Pick<PaintOrder, 'image' | 'mask'>> => {
  const shape = shapeOf(config)
  return {
    image: image === undefined ? undefined : await readImage(image, shape, PICTURES),
    mask: mask === undefined ? undefined : await readMask(mask, shape, PICTURES),
  }
}

/** The weight that was given, or weights evenly from 0 to 1. */
const weightsOf = ({ weight }: NonNullable<GenerateBody['to']>, n: number): number[] => {
  if (weight === undefined && n === 1)
    throw new UserError('to: one picture needs a weight, which says how far it is on its way')
  return Array.from({ length: n }, (_, i) => weight ?? i / (n - 1))
}
