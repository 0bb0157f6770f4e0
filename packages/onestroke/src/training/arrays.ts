/** Copies between the arrays that training changes (perhaps on a device) and those of a state's file. */
import type { Part } from '@onestroke/core/diffusion'
import type { DeviceArray } from '@onestroke/core/tensor'
import type { TrainingArrays } from './optimizer.js'
import { HELD_ARRAYS, PART_ARRAYS } from './state.js'
import type { Update } from './update.js'

/** All that a run trains. */
export interface Trained {
  readonly optimizer: Update
  readonly own?: { readonly part: Part; readonly optimizer: Update }
  /** See `TrainingArrays.best`. */
  readonly best?: Float32Array
}

/** Copies the arrays of these names out of a state. Arrays in this process's memory are not copied. */
const readAll = async <Name extends string>(
  names: readonly Name[],
  state: { readonly [name in Name]?: DeviceArray | undefined },
): Promise<Record<Name, Float32Array | undefined>> => {
  const read: [Name, Float32Array | undefined][] = []
  for (const name of names) read.push([name, await state[name]?.read()])
  return Object.fromEntries(read) as Record<Name, Float32Array | undefined>
}

const writeAll = async <Name extends string>(
  names: readonly Name[],
  state: { readonly [name in Name]?: DeviceArray | undefined },
  arrays: { readonly [name in Name]?: Float32Array | undefined },
): Promise<void> => {
  for (const name of names) {
    const array = arrays[name]
    if (array) await state[name]?.write(array)
  }
}

/** The current values of all that is trained. */
export const readArrays = async ({ optimizer, own, best }: Trained): Promise<TrainingArrays> =>
  ({
    ...(await readAll(HELD_ARRAYS, optimizer.state)),
    best,
    ...(own && { parts: { [own.part.name]: await readAll(PART_ARRAYS, own.optimizer.state) } }),
  }) as TrainingArrays

/** Writes back arrays that `readArrays` returned; `best` is not copied. */
export const writeArrays = async ({ optimizer, own }: Trained, arrays: TrainingArrays): Promise<void> => {
  await writeAll(HELD_ARRAYS, optimizer.state, arrays)
  const part = own && arrays.parts?.[own.part.name]
  if (part) await writeAll(PART_ARRAYS, own.optimizer.state, part)
}
