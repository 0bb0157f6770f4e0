/** A worker thread that paints, so that the event loop stays free: onnxruntime keeps its thread busy for a whole run. */
import { Worker } from 'node:worker_threads'
import { UserError } from '@onestroke/core/formats'
import type { PipelineConfig } from '@onestroke/core/pipeline'
import { builtUrl } from '../built.js'
import type { FromPaintWorker } from './paint-worker.js'
import type { PaintOrder } from './settings.js'

export interface Painter {
  readonly config: PipelineConfig
  /** Paints one batch; the next only when it is done. @throws UserError if the model refuses. */
  paint(order: PaintOrder): Promise<Float32Array>
  close(): Promise<void>
}

/** @throws UserError if the model cannot be loaded. */
export const openPainter = async (path: string, { threads = 0 } = {}): Promise<Painter> => {
  const worker = new Worker(builtUrl(import.meta.url, './paint-worker.js'), { workerData: { path, threads } })
  let closing = false
  const next = () =>
    new Promise<FromPaintWorker>((resolve, reject) => {
      const settle = (act: () => void) => {
        worker.off('message', onMessage).off('error', onError).off('exit', onExit)
        act()
      }
      const onMessage = (message: FromPaintWorker) =>
        settle(() =>
          'error' in message ? reject(new UserError(message.error.message, message.error)) : resolve(message),
        )
      const onError = (error: Error) => settle(() => reject(error))
      const onExit = () =>
        settle(() => reject(new Error(closing ? 'the server is closing' : 'the painter has ended')))
      worker.once('message', onMessage).once('error', onError).once('exit', onExit)
    })
  const first = await next().catch(async (error) => {
    await worker.terminate()
    throw error
  })
  return {
    config: (first as Extract<FromPaintWorker, { ready: unknown }>).ready,
    async paint(order) {
      worker.postMessage(order)
      return ((await next()) as Extract<FromPaintWorker, { pictures: unknown }>).pictures
    },
    async close() {
      closing = true
      await worker.terminate()
    },
  }
}
