import type { Words } from '@onestroke/core/errors'

/** The options and arguments of the library that errors name, by what the command line calls them. */
export const FLAGS: ReadonlyMap<string, string> = new Map([
  ['batch', '--batch'],
  ['category', '--category'],
  ['channels', '--channels'],
  ['crop', '--crop'],
  ['data', 'DATA'],
  ['dtype', '--dtype'],
  ['force', '--force'],
  ['guidance_scale', '--guidance-scale'],
  ['image', 'PICTURE'],
  ['learning_rate', '--learning-rate'],
  ['mask', '--mask'],
  ['model', 'MODEL'],
  ['negative_prompt', '--negative-prompt'],
  ['num_inference_steps', '--steps'],
  ['out', '--out'],
  ['part', '--part'],
  ['preset', '--preset'],
  ['prompt', '--prompt'],
  ['resolution', '--resolution'],
  ['schedule', '--schedule'],
  ['seed', '--seed'],
  ['sigma_max', '--sigma-max'],
  ['sigmas', '--sigmas'],
  ['solver', '--solver'],
  ['strength', '--strength'],
  ['student', '--student'],
  ['target', '--target'],
  ['to.prompt', '--to-prompt'],
  ['to.seed', '--to-seed'],
])

export const inFlags: Words = (option) => FLAGS.get(option)
