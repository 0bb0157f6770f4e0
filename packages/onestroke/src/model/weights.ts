/** model.safetensors: a network's weights as a file. */
import { UserError } from '@onestroke/core/errors'
import {
  parseSafetensors,
  type SafetensorsDtype,
  serializeSafetensors,
  toFloat32,
} from '@onestroke/core/formats'
import type { Layout } from '@onestroke/core/nn'
import { halfOf, ofHalves, type Storage } from '@onestroke/core/tensor'

/**
 * All weights of a network, flat, of a file's bytes.
 *
 * @param kind what the network is, such as a student: files that say so must agree.
 * @param file where they are from, for errors.
 * @param namesOf what a weight may be called in the file: the first name that is there counts.
 * @throws UserError if one is missing, unknown, misshapen or not finite.
 */
export const readWeights = (
  bytes: Uint8Array,
  layout: Layout,
  file: string,
  kind: string,
  namesOf = (name: string): readonly string[] => [name],
): Float32Array => {
  const { tensors, metadata } = parseSafetensors(bytes, file)
  if (metadata.kind !== undefined && metadata.kind !== kind)
    throw new UserError(
      `${file} holds the weights of a model of kind ${metadata.kind}, but config.json says ${kind}`,
      {
        remedy: 'copy the model again, both files of it',
      },
    )
  const stored = layout.specs.map((spec) => {
    const names = namesOf(spec.name)
    return { ...spec, name: names.find((name) => tensors.has(name)) ?? names[0]! }
  })
  for (const { name, shape } of stored) {
    const entry = tensors.get(name)
    if (!entry) throw new UserError(`${file}: the weight ${name} [${shape.join(', ')}] is missing`)
    if (entry.shape.join() !== shape.join())
      throw new UserError(
        `${file}: the weight ${name} has shape [${entry.shape.join(', ')}], but config.json asks for [${shape.join(', ')}]`,
      )
  }
  const flat = new Float32Array(layout.size)
  for (const { name, offset } of stored) {
    const entry = tensors.get(name)!
    const values = toFloat32(entry, `${file}: ${name}`)
    const bad = values.findIndex((value) => !Number.isFinite(value))
    if (bad >= 0) throw new UserError(`${file}: the weight ${name} holds ${values[bad]} at position ${bad}`)
    flat.set(values, offset)
  }
  const known = new Set(stored.map(({ name }) => name))
  for (const name of tensors.keys())
    if (!known.has(name))
      throw new UserError(`${file}: the weight ${name} is unknown to the network in config.json`)
  return flat
}

/** What safetensors calls the ways to store weights that a model folder can have. */
const DTYPES = { fp32: 'F32', fp16: 'F16' } as const satisfies Partial<Record<Storage, SafetensorsDtype>>
export type SavedStorage = keyof typeof DTYPES
export const SAVED_STORAGES = Object.keys(DTYPES) as SavedStorage[]

/**
 * The file's bytes.
 *
 * @param metadata texts that it holds beside the weights.
 * @throws UserError if a weight is too large for fp16 (65504).
 */
export const weightsFile = (
  layout: Layout,
  weights: Float32Array,
  storage: SavedStorage,
  metadata: Readonly<Record<string, string>>,
): Uint8Array => {
  const tensors = layout.specs.map(({ name, shape, offset, size }) => {
    const values = weights.subarray(offset, offset + size)
    return { name, dtype: DTYPES[storage], shape, data: saved(values, name, storage) }
  })
  return serializeSafetensors(tensors, metadata)
}

const saved = (values: Float32Array, name: string, storage: SavedStorage): ArrayBufferView => {
  switch (storage) {
    case 'fp32':
      return values
    case 'fp16':
      return halves(values, name)
    default:
      return storage satisfies never
  }
}

const halves = (values: Float32Array, name: string): Uint16Array => {
  const rounded = Uint16Array.from(values, halfOf)
  const bad = ofHalves(rounded).findIndex((value) => !Number.isFinite(value))
  if (bad >= 0)
    throw new UserError(`the weight ${name} holds ${values[bad]}, too large for float16`, {
      remedy: '`dtype` fp32 keeps it',
    })
  return rounded
}
