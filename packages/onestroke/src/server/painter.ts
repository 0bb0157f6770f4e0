/** A worker thread that paints. onnxruntime blocks its thread for a whole run, and here the event loop stays free. */
import { Worker } from 'node:worker_threads'
import { UserError } from '@onestroke/core/errors'
import { NotFiniteError } from '@onestroke/core/pipeline'
import { builtUrl } from '../built.js'
import type { OpenedConfig } from '../export/index.js'
import type { FromPaintWorker, ToPaintWorker } from './paint-worker.js'
import type { PaintOrder } from './settings.js'

export interface Painter {
  readonly config: OpenedConfig
  /**
   * Paints one batch. The next one may be given only when this one is done.
   *
   * @param signal ends the painting before its next step.
   * @param onPreview called after each step with the denoised pictures, in the form that `paint` returns.
   * @throws UserError if the model refuses; NotFiniteError if what it paints is no picture.
   */
  paint(
    order: PaintOrder,
    signal?: AbortSignal,
    onPreview?: (pictures: Float32Array) => void,
  ): Promise<Float32Array>
  close(): Promise<void>
}

/**
 * Opens a model in a thread. One that ends, out of memory for instance, takes what it was painting with it; the next
 * order finds another.
 *
 * @throws UserError if the model cannot be loaded.
 */
export const openPainter = async (path: string, { threads = 0 } = {}): Promise<Painter> => {
  let thread = await openThread(path, threads)
  return {
    config: thread.config,
    async paint(order, signal, onPreview) {
      if (thread.ended())
        thread = await openThread(path, threads).catch((cause) => {
          throw new Error(`the painter cannot be started again: ${cause.message}`, { cause })
        })
      return thread.paint(order, signal, onPreview)
    },
    close: () => thread.close(),
  }
}

const errorFrom = ({
  error: { message, user, not_finite },
}: Extract<FromPaintWorker, { error: unknown }>): Error => {
  if (not_finite) return new NotFiniteError()
  return user ? new UserError(message, user) : new Error(message)
}

interface PaintThread extends Painter {
  ended(): boolean
}

const openThread = async (path: string, threads: number): Promise<PaintThread> => {
  const worker = new Worker(builtUrl(import.meta.url, './paint-worker.js'), { workerData: { path, threads } })
  let end: Error | undefined
  worker.on('error', (error) => {
    end = error
  })
  worker.once('exit', () => {
    end ??= new Error('the painter has ended')
  })
  const next = (onPreview?: (pictures: Float32Array) => void) =>
    new Promise<FromPaintWorker>((resolve, reject) => {
      const settle = (act: () => void) => {
        worker.off('message', onMessage).off('error', onEnd).off('exit', onEnd)
        act()
      }
      const onMessage = (message: FromPaintWorker) => {
        if ('preview' in message) return onPreview?.(message.preview)
        settle(() => ('error' in message ? reject(errorFrom(message)) : resolve(message)))
      }
      const onEnd = () => settle(() => reject(end))
      worker.on('message', onMessage).once('error', onEnd).once('exit', onEnd)
    })
  const say = (message: ToPaintWorker) => worker.postMessage(message)
  const first = await next().catch(async (error) => {
    await worker.terminate()
    throw error
  })
  return {
    config: (first as Extract<FromPaintWorker, { ready: unknown }>).ready,
    ended: () => end !== undefined,
    async paint(order, signal, onPreview) {
      const abort = () => say('abort')
      signal?.addEventListener('abort', abort)
      say(onPreview ? { ...order, previews: true } : order)
      try {
        return ((await next(onPreview)) as Extract<FromPaintWorker, { pictures: unknown }>).pictures
      } finally {
        signal?.removeEventListener('abort', abort)
      }
    },
    async close() {
      await worker.terminate()
    },
  }
}
