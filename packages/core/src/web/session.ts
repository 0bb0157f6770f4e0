/** Runs exported graphs with onnxruntime-web, which is loaded when it is needed, and no more of it than that. */
import { denoiserInputs } from '../diffusion/index.js'
import { UserError } from '../errors/index.js'
import {
  type GraphFile,
  type GraphName,
  type Graphs,
  graphNamed,
  type Manifest,
  mapGraphs,
  shapeFor,
} from '../pipeline/index.js'
import type { Executable, InputSpec, Values } from '../tensor/index.js'
import type { Device } from './messages.js'
import { lookAt } from './reach.js'

export interface SessionOptions {
  readonly devices: readonly Device[]
  readonly threads: number
  readonly runtime: string | undefined
}

export interface Sessions {
  readonly executables: Graphs<Executable>
  /** Resolves to why nothing can be run any more, if that comes: graphics devices are lost when drivers fail, or phones sleep. */
  readonly lost: Promise<string>
}

/** What a session is made of, and what it is tried with: the graph's bytes and inputs. */
interface Trial {
  readonly graph: Uint8Array
  readonly inputs: GraphFile['inputs']
  readonly nothing: Readonly<Record<string, Values>>
}

/**
 * Opens all graphs of a model on one device.
 *
 * @throws UserError if none of the devices can run them, with each one's reason.
 */
export const openSessions = async (
  graphs: Graphs<Uint8Array>,
  { graphs: files, network }: Pick<Manifest, 'graphs' | 'network'>,
  options: SessionOptions,
): Promise<Sessions & { device: Device }> => {
  const trials = await mapGraphs(graphs, async (graph, name) => {
    const { inputs } = graphNamed(files, name)
    return { graph, inputs, nothing: zeros(inputs, inputsOf(name, network)) }
  })
  const reasons: string[] = []
  for (const device of options.devices) {
    try {
      return { ...(await sessionsOn(device, trials, options)), device }
    } catch (error) {
      const { message = String(error), remedy } = error as Partial<UserError>
      reasons.push(`${device}: ${remedy ? `${message}; ${remedy}` : message}`)
    }
  }
  throw new UserError(`this browser cannot run the model (${reasons.join('; ')})`)
}

const sessionsOn = async (
  device: Device,
  trials: Graphs<Trial>,
  { devices, threads, runtime }: SessionOptions,
): Promise<Sessions> => {
  if (device === 'webgpu') await expectAdapter(devices.length > 1)
  const { ort, wasm } = await runtimeFor(device)
  if (threads > 0) ort.env.wasm.numThreads = threads
  if (runtime !== undefined) ort.env.wasm.wasmPaths = runtime
  else if (wasm.origin !== globalThis.origin) {
    // From another origin onnxruntime starts no threads, and takes its WebAssembly only from an address that it is told.
    ort.env.wasm.wasmPaths = { wasm }
    ort.env.wasm.numThreads = 1
  }
  // Runs are in a worker already.
  ort.env.wasm.proxy = false
  const opened: Executable[] = []
  try {
    const executables = await mapGraphs(trials, async ({ graph, inputs, nothing }) => {
      const create = ort.InferenceSession.create(graph, {
        executionProviders: [device],
        graphOptimizationLevel: 'all',
        logSeverityLevel: 3,
      })
      const session = await create.catch(async (error) => {
        throw (runtime === undefined && (await lookAt(wasm))) || error
      })
      const executable = executableOf(ort, session, inputs)
      opened.push(executable)
      // Some graphics drivers fail only when they are to compute. What they compile is then there for the first picture.
      await executable.run(nothing)
      return executable
    })
    return { executables, lost: device === 'webgpu' ? lossOf(ort.env.webgpu.device) : new Promise(() => {}) }
  } catch (error) {
    for (const executable of opened) await executable.release()
    throw error
  }
}

const executableOf = (
  ort: Ort,
  session: Awaited<ReturnType<Ort['InferenceSession']['create']>>,
  inputs: GraphFile['inputs'],
): Executable => ({
  async run(values) {
    const feeds = Object.fromEntries(
      Object.entries(inputs).map(([name, shape]) => {
        const data = values[name]!
        const dtype = data instanceof BigInt64Array ? 'int64' : 'float32'
        return [
          name,
          new ort.Tensor(dtype as 'float32', data as Float32Array, shapeFor(shape, data.length, name)),
        ]
      }),
    )
    const results = await session.run(feeds)
    return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]))
  },
  release: () => session.release(),
})

/** What all builds of onnxruntime-web have in common. */
type Ort = Pick<typeof import('onnxruntime-web/wasm'), 'InferenceSession' | 'Tensor'>

/**
 * The smallest build that serves, and the address of its WebAssembly: where that can wait for promises (JSPI), WebGPU's is two
 * thirds of what it is elsewhere.
 */
const runtimeFor = async (device: Device) => {
  switch (device) {
    case 'wasm':
      return {
        ort: await import('onnxruntime-web/wasm'),
        wasm: new URL('onnxruntime-web/ort-wasm-simd-threaded.wasm', import.meta.url),
      }
    case 'webgpu':
      return webgpuRuntime()
    default:
      return device satisfies never
  }
}

const webgpuRuntime = async () => {
  if ('Suspending' in WebAssembly)
    return {
      ort: await import('onnxruntime-web/jspi'),
      wasm: new URL('onnxruntime-web/ort-wasm-simd-threaded.jspi.wasm', import.meta.url),
    }
  return {
    ort: await import('onnxruntime-web/webgpu'),
    wasm: new URL('onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm', import.meta.url),
  }
}

const lossOf = async (device: PromiseLike<unknown>): Promise<string> => {
  const { reason, message } = await ((await device) as GraphicsDevice).lost
  return `the graphics device was lost (${message || reason})`
}

/** The part of WebGPU's GPUDevice that is used here. */
interface GraphicsDevice {
  readonly lost: Promise<{ readonly reason: string; readonly message: string }>
}

/** The inputs of one picture that a graph of a model with such a network takes. */
const inputsOf = (graph: GraphName, network: Manifest['network']): Record<string, InputSpec> => {
  switch (graph) {
    case 'denoiser':
      return denoiserInputs(network, 1)
    case 'encoder':
    case 'decoder':
      // All of them are of float32, which is what is not said otherwise.
      return {}
    default:
      return graph satisfies never
  }
}

/** Inputs of one picture, all 0. */
const zeros = (inputs: GraphFile['inputs'], specs: Record<string, InputSpec>): Record<string, Values> =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, shape]) => {
      const size = shape.reduce<number>((product, n) => product * (n ?? 1), 1)
      const spec = specs[name]
      const isInteger = spec !== undefined && 'dtype' in spec && spec.dtype === 'int64'
      return [name, isInteger ? new BigInt64Array(size) : new Float32Array(size)]
    }),
  )

interface Adapter {
  readonly info?: { readonly isFallbackAdapter?: boolean }
}

/** @throws Error unless there is an adapter; one made of software alone counts only where nothing else may be tried. */
const expectAdapter = async (choosy: boolean): Promise<void> => {
  const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<Adapter | null> } }
  const adapter = await gpu?.requestAdapter().catch(() => null)
  if (!adapter) throw new Error('no adapter')
  if (choosy && adapter.info?.isFallbackAdapter) throw new Error('its adapter is software, slower than wasm')
}
