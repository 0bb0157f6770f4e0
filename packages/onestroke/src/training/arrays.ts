/** Copies between the arrays that training changes (perhaps on a device) and those of a state's file. */
import type { Part } from '@onestroke/core/diffusion'
import type { TrainingArrays } from './optimizer.js'
import type { Update } from './update.js'

/** All that a run trains. */
export interface Trained {
  readonly optimizer: Update
  readonly own?: { readonly part: Part; readonly optimizer: Update }
  /** See `TrainingArrays.best`. */
  readonly best?: Float32Array
}

/** The current values of all that is trained. Arrays in this process's memory are not copied. */
export const readArrays = async ({ optimizer, own, best }: Trained): Promise<TrainingArrays> => {
  const { state } = optimizer
  return {
    parameters: await state.parameters.read(),
    exp_avg: await state.exp_avg.read(),
    exp_avg_sq: await state.exp_avg_sq.read(),
    ema: await state.ema.read(),
    target: await state.target?.read(),
    best,
    ...(own && {
      parts: {
        [own.part.name]: {
          parameters: await own.optimizer.state.parameters.read(),
          exp_avg: await own.optimizer.state.exp_avg.read(),
          exp_avg_sq: await own.optimizer.state.exp_avg_sq.read(),
        },
      },
    }),
  }
}

/** Writes back arrays that `readArrays` returned; `best` is not copied. */
export const writeArrays = async ({ optimizer, own }: Trained, arrays: TrainingArrays): Promise<void> => {
  const { state } = optimizer
  await state.parameters.write(arrays.parameters)
  await state.exp_avg.write(arrays.exp_avg)
  await state.exp_avg_sq.write(arrays.exp_avg_sq)
  await state.ema.write(arrays.ema)
  if (arrays.target) await state.target?.write(arrays.target)
  const part = own && arrays.parts?.[own.part.name]
  if (!part) return
  await own.optimizer.state.parameters.write(part.parameters)
  await own.optimizer.state.exp_avg.write(part.exp_avg)
  await own.optimizer.state.exp_avg_sq.write(part.exp_avg_sq)
}
