/** Paints beside the main thread. Messages in: PaintOrder; out: 'ready' facts once, then PaintResult. */
import { parentPort, workerData } from 'node:worker_threads'
import type { UserError } from '@onestroke/core/formats'
import type { PipelineConfig } from '@onestroke/core/pipeline'
import { openPipeline } from '../export/index.js'
import type { PaintOrder } from './settings.js'

export type FromPaintWorker =
  | { readonly ready: PipelineConfig }
  /** Pictures [count, channels, height, width] in [-1, 1]. */
  | { readonly pictures: Float32Array }
  | { readonly error: { readonly message: string; readonly remedy?: string; readonly exitCode: 1 | 2 } }

const { path, threads } = workerData as { path: string; threads: number }
const port = parentPort!
const errorOf = (error: unknown): FromPaintWorker => {
  const { message, remedy, exitCode = 1 } = error as Partial<UserError> & Error
  return { error: { message, exitCode, ...(remedy !== undefined && { remedy }) } }
}
const say = (message: FromPaintWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer)

try {
  const pipeline = await openPipeline(path, { threads })
  const { kind, network, sigma_min, sigma_max, sigma_data, vocabulary, sampling } = pipeline.config
  // The first run is slower than all others: nobody should wait for it.
  await pipeline.generate({
    prompts: [vocabulary.kind === 'class' ? vocabulary.classes[0]! : ''],
    num_inference_steps: 1,
  })
  port.on('message', async ({ settings: { to, ...settings }, weights, ...order }: PaintOrder) => {
    try {
      const { data } = await pipeline.generate({
        ...order,
        ...settings,
        ...(to && weights && { to: { ...to, weights } }),
      })
      say({ pictures: data }, [data.buffer as ArrayBuffer])
    } catch (error) {
      say(errorOf(error))
    }
  })
  say({ ready: { kind, network, sigma_min, sigma_max, sigma_data, vocabulary, sampling } })
} catch (error) {
  say(errorOf(error))
}
