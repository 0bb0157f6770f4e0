/** Runs an exported graph with onnxruntime-web, which is loaded when it is needed, and no more of it than that. */
import { UserError } from '../formats/errors.js'
import { type Manifest, shapeFor } from '../pipeline/index.js'
import type { Executable } from '../tensor/runtime.js'
import type { Device } from './messages.js'

export interface SessionOptions {
  readonly devices: readonly Device[]
  readonly threads: number
  readonly runtime: string | undefined
}

export interface Session {
  readonly executable: Executable
  /** Resolves to why nothing can be run any more, if that comes: graphics devices are lost when drivers fail, or phones sleep. */
  readonly lost: Promise<string>
}

/** @throws UserError if none of the devices can run the graph, with each one's reason. */
export const openSession = async (
  graph: Uint8Array,
  { graph: { inputs } }: Manifest,
  options: SessionOptions,
): Promise<Session & { device: Device }> => {
  const reasons: string[] = []
  for (const device of options.devices) {
    try {
      return { ...(await sessionOn(device, graph, inputs, options)), device }
    } catch (error) {
      reasons.push(`${device}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  throw new UserError(`this browser cannot run the model (${reasons.join('; ')})`)
}

const sessionOn = async (
  device: Device,
  graph: Uint8Array,
  inputs: Manifest['graph']['inputs'],
  { devices, threads, runtime }: SessionOptions,
): Promise<Session> => {
  if (device === 'webgpu') await expectAdapter(devices.length > 1)
  const ort = await runtimeFor(device)
  if (runtime !== undefined) ort.env.wasm.wasmPaths = runtime
  if (threads > 0) ort.env.wasm.numThreads = threads
  // Runs are in a worker already.
  ort.env.wasm.proxy = false
  const session = await ort.InferenceSession.create(graph, {
    executionProviders: [device],
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  })
  const executable: Executable = {
    async run(values) {
      const feeds = Object.fromEntries(
        Object.entries(inputs).map(([name, shape]) => {
          const data = values[name] as Float32Array
          return [name, new ort.Tensor('float32', data, shapeFor(shape, data.length, name))]
        }),
      )
      const results = await session.run(feeds)
      return Object.fromEntries(
        Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]),
      )
    },
    release: () => session.release(),
  }
  // Some graphics drivers fail only when they are to compute. What they compile is then there for the first picture.
  try {
    await executable.run(zeros(inputs))
  } catch (error) {
    await executable.release()
    throw error
  }
  return { executable, lost: device === 'webgpu' ? lossOf(ort.env.webgpu.device) : new Promise(() => {}) }
}

/** The smallest build that serves: where WebAssembly can wait for promises (JSPI), WebGPU's is two thirds of what it is elsewhere. */
const runtimeFor = (device: Device) => {
  if (device === 'wasm') return import('onnxruntime-web/wasm')
  return 'Suspending' in WebAssembly ? import('onnxruntime-web/jspi') : import('onnxruntime-web/webgpu')
}

const lossOf = async (device: PromiseLike<unknown>): Promise<string> => {
  const { reason, message } = await ((await device) as GraphicsDevice).lost
  return `the graphics device was lost (${message || reason})`
}

/** The part of WebGPU's GPUDevice that is used here. */
interface GraphicsDevice {
  readonly lost: Promise<{ readonly reason: string; readonly message: string }>
}

/** Inputs of one picture, all 0. */
const zeros = (inputs: Manifest['graph']['inputs']): Record<string, Float32Array> =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, shape]) => [
      name,
      new Float32Array(shape.reduce<number>((product, n) => product * (n ?? 1), 1)),
    ]),
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
