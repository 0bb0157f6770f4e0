import { availableParallelism } from 'node:os'
import { UserError } from '@onestroke/core/formats'
import { shapeFor } from '@onestroke/core/pipeline'
import {
  type DType,
  type Executable,
  type Program,
  type Runtime,
  toOnnx,
  type Values,
} from '@onestroke/core/tensor'
import * as ort from 'onnxruntime-node'

export interface NodeRuntimeOptions {
  /** Threads of one run. Default 0: what `useThreads` or $ONESTROKE_THREADS says, or as many as there are cores. */
  threads?: number
  /** Where to run: `cpu` (default), or another provider of onnxruntime-node such as `cuda`, `webgpu`, `dml`, `coreml`. */
  device?: string
  /**
   * Whether threads that have nothing to do look out for more, for some milliseconds, before they sleep. Default true, which is
   * fastest for one run at a time; where there is other work for the cores, false leaves them to it.
   */
  spinning?: boolean
  /** Writes a profile (Chrome trace format) with this prefix when the executable is released. */
  profile?: string
}

let usual: number | undefined

/** Threads of all that runs from here on without a number of its own; 0 for as many as there are cores. */
export const useThreads = (threads: number): void => {
  usual = threads
}

/** @throws UserError if the environment names no number. */
const usualThreads = (): number => {
  const { ONESTROKE_THREADS = '0' } = process.env
  if (!/^\d{1,4}$/.test(ONESTROKE_THREADS))
    throw new UserError(`ONESTROKE_THREADS must be a number of threads, not "${ONESTROKE_THREADS}"`, {
      exitCode: 2,
    })
  return Math.min(usual || Number(ONESTROKE_THREADS), availableParallelism())
}

/** onnxruntime-node. A run does its work on the calling thread and keeps it busy. */
export const nodeRuntime = (options: NodeRuntimeOptions = {}): Runtime => ({
  name: `onnxruntime-node ${ort.env.versions.node ?? ort.env.versions.common} (${options.device ?? 'cpu'})`,
  async compile(program, constants) {
    const session = await createSession(toOnnx(program, constants), options)
    return new NodeExecutable(session, program, new Set(Object.keys(constants ?? {})))
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
  { threads = 0, device = 'cpu', spinning = true, profile }: NodeRuntimeOptions,
) => {
  const intraOpNumThreads = threads || usualThreads()
  try {
    return await ort.InferenceSession.create(model, {
      executionProviders: [device],
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
  constructor(
    readonly session: ort.InferenceSession,
    readonly program: Program,
    readonly baked: ReadonlySet<string>,
  ) {}

  async run(inputs: Readonly<Record<string, Values>>, into: Readonly<Record<string, Float32Array>> = {}) {
    const feeds: Record<string, ort.Tensor> = {}
    for (const [name, { shape, dtype, size }] of Object.entries(this.program.inputs)) {
      if (this.baked.has(name)) continue
      const values = inputs[name]
      if (values?.length !== size)
        throw new RangeError(
          `input ${name}: ${values?.length ?? 'no'} values given, [${shape.join(', ')}] expected`,
        )
      feeds[name] = tensorOf(dtype, values, shape)
    }
    const fetches: Record<string, ort.Tensor | null> = {}
    for (const [name, { shape }] of Object.entries(this.program.outputs))
      fetches[name] = into[name] ? tensorOf('float32', into[name], shape) : null
    const results = await this.session.run(feeds, fetches)
    return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]))
  }

  async release() {
    await this.session.release()
  }
}

const tensorOf = (dtype: DType, values: Values, shape: readonly number[]): ort.Tensor =>
  new ort.Tensor(dtype as 'float32', values as Float32Array, shape)
