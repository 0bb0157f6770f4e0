import { availableParallelism } from 'node:os'
import { UserError } from '@onestroke/core/errors'
import { shapeFor } from '@onestroke/core/pipeline'
import {
  type DeviceArray,
  type DType,
  type Executable,
  HostArray,
  type Program,
  type Runtime,
  toOnnx,
  type Values,
} from '@onestroke/core/tensor'
import * as ort from 'onnxruntime-node'

export interface NodeRuntimeOptions {
  /** Threads of one run, at most as many as there are cores. Default 0: what $ONESTROKE_THREADS says, or all cores. */
  threads?: number
  /** Where to run: an execution provider of onnxruntime-node. Default `cpu`. */
  provider?: string
  /**
   * Whether idle threads spin for some milliseconds before they sleep. Default true, which is fastest for one run at a time;
   * false leaves the cores to other work.
   */
  spinning?: boolean
  /** Writes a profile (Chrome trace format) with this prefix when the executable is released. */
  profile?: string
}

/** Lets this process, and workers that it starts from now on, use so many threads where none are named: `ONESTROKE_THREADS`. */
export const useThreads = (threads: number): void => {
  process.env.ONESTROKE_THREADS = String(Math.min(threads, availableParallelism()))
}

/** @throws UserError if the environment names no number. */
const usualThreads = (): number => {
  const { ONESTROKE_THREADS = '0' } = process.env
  if (!/^\d{1,4}$/.test(ONESTROKE_THREADS))
    throw new UserError(`ONESTROKE_THREADS must be a number of threads, not "${ONESTROKE_THREADS}"`, {
      option: 'threads',
    })
  return Number(ONESTROKE_THREADS)
}

/** onnxruntime-node. A run does its work on the calling thread and keeps it busy. Arrays lie in this process's memory. */
export const nodeRuntime = (options: NodeRuntimeOptions = {}): Runtime => ({
  name: `onnxruntime-node ${ort.env.versions.node ?? ort.env.versions.common} (${options.provider ?? 'cpu'})`,
  memory: 'host',
  hold: (values) => new HostArray(values),
  async compile(program, { constants = {}, state = {} } = {}) {
    const held = heldBy(program, state)
    const session = await createSession(toOnnx(program, constants), options)
    return new NodeExecutable(session, program, new Set(Object.keys(constants)), held)
  },
})

/**
 * An ONNX graph of float32 tensors, some of whose inputs may be int64, for batches of any size.
 *
 * @param inputs shapes by name, `null` for the batch.
 */
export const nodeGraph = async (
  graph: Uint8Array,
  inputs: Readonly<Record<string, readonly (number | null)[]>>,
  options: NodeRuntimeOptions = {},
): Promise<Executable> => {
  const session = await createSession(graph, options)
  return {
    async run(values) {
      const feeds = Object.fromEntries(
        Object.entries(inputs).map(([name, shape]) => {
          const data = values[name]
          const dtype = data instanceof BigInt64Array ? 'int64' : 'float32'
          return [name, tensorOf(dtype, data!, shapeFor(shape, data?.length ?? 0, name))]
        }),
      )
      const results = await session.run(feeds)
      return Object.fromEntries(
        Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]),
      )
    },
    release: () => session.release(),
  }
}

const createSession = async (
  model: Uint8Array,
  { threads = 0, provider = 'cpu', spinning = true, profile }: NodeRuntimeOptions,
) => {
  const intraOpNumThreads = Math.min(threads || usualThreads(), availableParallelism())
  try {
    return await ort.InferenceSession.create(model, {
      executionProviders: [provider],
      graphOptimizationLevel: 'all',
      intraOpNumThreads,
      logSeverityLevel: 3,
      // Planning all memory as one block would nearly double a training step's memory, and gain a few percent of speed.
      enableMemPattern: false,
      extra: { session: { intra_op: { allow_spinning: spinning ? '1' : '0' } } },
      ...(profile ? { enableProfiling: true, profileFilePrefix: profile } : {}),
    })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new UserError(`onnxruntime cannot build this program: ${reason}`, { cause })
  }
}

class NodeExecutable implements Executable {
  /** State that is both read and written: onnxruntime may write before it has read. */
  readonly #copied: ReadonlySet<string>

  /** @param state tensors over the arrays that stay, by the program's names. */
  constructor(
    readonly session: ort.InferenceSession,
    readonly program: Program,
    readonly baked: ReadonlySet<string>,
    readonly state: Readonly<Record<string, ort.Tensor>>,
  ) {
    const read = new Set(Object.keys(program.inputs).map((name) => state[name]?.data))
    this.#copied = new Set(
      Object.keys(program.outputs).filter((name) => state[name] && read.has(state[name].data)),
    )
  }

  async run(inputs: Readonly<Record<string, Values>>, into: Readonly<Record<string, Float32Array>> = {}) {
    const { program, baked, state } = this
    const feeds: Record<string, ort.Tensor> = {}
    for (const [name, { shape, dtype, size }] of Object.entries(program.inputs)) {
      if (baked.has(name)) continue
      const values = inputs[name]
      if (state[name]) feeds[name] = state[name]
      else if (values?.length !== size)
        throw new RangeError(
          `input ${name}: ${values?.length ?? 'no'} values given, [${shape.join(', ')}] expected`,
        )
      else feeds[name] = tensorOf(dtype, values, shape)
    }
    const fetches: Record<string, ort.Tensor | null> = {}
    for (const [name, { shape }] of Object.entries(program.outputs))
      if (state[name]) fetches[name] = this.#copied.has(name) ? null : state[name]
      else fetches[name] = into[name] ? tensorOf('float32', into[name], shape) : null
    const results: Record<string, Float32Array> = {}
    for (const [name, { data }] of Object.entries(await this.session.run(feeds, fetches))) {
      const values = data as Float32Array
      if (!state[name]) results[name] = values
      else if (this.#copied.has(name)) (state[name].data as Float32Array).set(values)
    }
    return results
  }

  async release() {
    await this.session.release()
  }
}

/**
 * Tensors over the arrays of a state that a program reads or writes.
 *
 * @throws RangeError if one has another size than the program expects.
 */
const heldBy = (
  { inputs, outputs }: Program,
  state: Readonly<Record<string, DeviceArray>>,
): Record<string, ort.Tensor> => {
  const held: Record<string, ort.Tensor> = {}
  for (const [name, array] of Object.entries(state)) {
    const tensor = inputs[name] ?? outputs[name]
    if (!tensor) continue
    const { values } = HostArray.of(array)
    if (values.length !== tensor.size)
      throw new RangeError(
        `state ${name}: ${values.length} values given, [${tensor.shape.join(', ')}] expected`,
      )
    held[name] = tensorOf('float32', values, tensor.shape)
  }
  return held
}

const tensorOf = (dtype: DType, values: Values, shape: readonly number[]): ort.Tensor =>
  new ort.Tensor(dtype as 'float32', values as Float32Array, shape)
