/** Paints beside the main thread. */
import { parentPort, workerData } from 'node:worker_threads'
import { UserError } from '@onestroke/core/errors'
import { NotFiniteError, Pipeline } from '@onestroke/core/pipeline'
import { type OpenedConfig, openPipeline } from '../export/index.js'
import type { PaintOrder } from './settings.js'

/** One order at a time, or `abort` if its pictures are no longer wanted. */
export type ToPaintWorker =
  | (PaintOrder & {
      /** Whether a preview is sent after each step. */
      readonly previews?: boolean
    })
  | 'abort'

/** What the model is, once; then an answer to each order. */
export type FromPaintWorker =
  | { readonly ready: OpenedConfig }
  /** Pictures [count, channels, height, width] in [-1, 1]. */
  | { readonly pictures: Float32Array }
  /** What they look like after a step, before the last. */
  | { readonly preview: Float32Array }
  | {
      readonly error: {
        readonly message: string
        readonly user?: ConstructorParameters<typeof UserError>[1]
        /** It is a NotFiniteError. */
        readonly not_finite?: true
      }
    }

const { path, threads } = workerData as { path: string; threads: number }
const port = parentPort!
const errorOf = (error: unknown): FromPaintWorker => {
  if (error instanceof NotFiniteError) return { error: { message: error.message, not_finite: true } }
  if (!(error instanceof UserError)) return { error: { message: (error as Error).message } }
  const { message, remedy, option } = error
  return { error: { message, user: { remedy, option } } }
}
const say = (message: FromPaintWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer)

const preview = (_step: number, _x: Float32Array, denoised: Float32Array) => {
  const copy = denoised.slice()
  say({ preview: copy }, [copy.buffer as ArrayBuffer])
}

/** Lets the worker handle its messages, such as `abort`, before each evaluation. */
const attentive = ({ config, source }: Pipeline<OpenedConfig>) =>
  new Pipeline(config, {
    async executable(graph, batch) {
      const executable = await source.executable(graph, batch)
      return {
        run: async (inputs) => {
          await new Promise(setImmediate)
          return executable.run(inputs)
        },
        release: () => executable.release(),
      }
    },
    release: () => source.release(),
  })

try {
  // Requests are read and pictures encoded on the same cores: spinning would take a fifth of the pictures a second.
  const pipeline = attentive(await openPipeline(path, { threads, spinning: false }))
  const { kind, network, space, sigma_min, sigma_max, sigma_data, vocabulary, sampling, source } =
    pipeline.config
  // The first run compiles and is slow, so it is done before the first request.
  await pipeline.generate({
    prompts: [''],
    num_inference_steps: 1,
  })
  let painting: AbortController | undefined
  port.on('message', async (message: ToPaintWorker) => {
    if (message === 'abort') return painting?.abort()
    const {
      settings: { to, ...settings },
      weights,
      previews = false,
      ...order
    } = message
    painting = new AbortController()
    try {
      const { data } = await pipeline.generate({
        ...order,
        ...settings,
        ...(to && weights && { to: { ...to, weights } }),
        ...(previews && { onStep: preview }),
        signal: painting.signal,
      })
      say({ pictures: data }, [data.buffer as ArrayBuffer])
    } catch (error) {
      say(errorOf(error))
    }
  })
  const { sha256 } = source
  say({
    ready: {
      kind,
      network,
      space,
      sigma_min,
      sigma_max,
      sigma_data,
      vocabulary,
      sampling,
      source: { sha256 },
    },
  })
} catch (error) {
  say(errorOf(error))
}
