/** Runs an exported graph with onnxruntime-web, which is loaded when it is needed, and no more of it than that. */
import { denoiserInputs } from '../diffusion/index.js'
import { UserError } from '../errors/index.js'
import { type Manifest, shapeFor } from '../pipeline/index.js'
import type { Executable } from '../tensor/index.js'
import type { Values } from '../tensor/runtime.js'
import type { Device } from './messages.js'
import { lookAt } from './reach.js'

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
  { graph: { inputs }, network }: Manifest,
  options: SessionOptions,
): Promise<Session & { device: Device }> => {
  const reasons: string[] = []
  for (const device of options.devices) {
    try {
      return { ...(await sessionOn(device, graph, zeros(inputs, network), inputs, options)), device }
    } catch (error) {
      const { message = String(error), remedy } = error as Partial<UserError>
      reasons.push(`${device}: ${remedy ? `${message}; ${remedy}` : message}`)
    }
  }
  throw new UserError(`this browser cannot run the model (${reasons.join('; ')})`)
}

const sessionOn = async (
  device: Device,
  graph: Uint8Array,
  nothing: Readonly<Record<string, Values>>,
  inputs: Manifest['graph']['inputs'],
  { devices, threads, runtime }: SessionOptions,
): Promise<Session> => {
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
  const create = ort.InferenceSession.create(graph, {
    executionProviders: [device],
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  })
  const session = await create.catch(async (error) => {
    throw (runtime === undefined && (await lookAt(wasm))) || error
  })
  const executable: Executable = {
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
      return Object.fromEntries(
        Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]),
      )
    },
    release: () => session.release(),
  }
  // Some graphics drivers fail only when they are to compute. What they compile is then there for the first picture.
  try {
    await executable.run(nothing)
  } catch (error) {
    await executable.release()
    throw error
  }
  return { executable, lost: device === 'webgpu' ? lossOf(ort.env.webgpu.device) : new Promise(() => {}) }
}

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

/** Inputs of one picture, all 0. */
const zeros = (inputs: Manifest['graph']['inputs'], network: Manifest['network']): Record<string, Values> => {
  const specs = denoiserInputs(network, 1)
  return Object.fromEntries(
    Object.entries(inputs).map(([name, shape]) => {
      const size = shape.reduce<number>((product, n) => product * (n ?? 1), 1)
      const spec = specs[name]
      const isInteger = spec !== undefined && 'dtype' in spec && spec.dtype === 'int64'
      return [name, isInteger ? new BigInt64Array(size) : new Float32Array(size)]
    }),
  )
}

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
