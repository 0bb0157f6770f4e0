/** The worker: holds the model and paints, so that the page never waits. */
import { UserError } from '../errors/index.js'
import {
  type GenerateOptions,
  graphNamed,
  type Manifest,
  Pipeline,
  releaseGraphs,
  samplingOf,
  toRGBA,
} from '../pipeline/index.js'
import { fetchGraphs, fetchManifest } from './fetch-model.js'
import type { FromWorker, GenerateRequest, LoadRequest, ToWorker } from './messages.js'
import { openSessions } from './session.js'

const port = self as unknown as {
  postMessage(message: FromWorker, transfer?: Transferable[]): void
  onmessage: ((event: { data: ToWorker }) => void) | null
}

let pipeline: Pipeline<Manifest> | undefined
/** The signal of the request that is being painted. */
let painting: AbortSignal | undefined
/** By request: ends it. */
const running = new Map<number, AbortController>()
/** One picture at a time: onnxruntime's sessions do not run beside themselves. */
let queue = Promise.resolve()

const load = async (request: LoadRequest) => {
  const { manifest, base } = await fetchManifest(request.url)
  const graphs = await fetchGraphs(manifest, base, {
    cache: request.cache,
    onProgress: (loaded, total) => port.postMessage({ type: 'progress', loaded, total }),
  })
  const { executables, device, lost } = await openSessions(graphs, manifest, request)
  void lost.then((message) => port.postMessage({ type: 'ended', message }))
  pipeline = new Pipeline(manifest, {
    async executable(graph) {
      const executable = graphNamed(executables, graph)
      return {
        ...executable,
        // Handles waiting messages, such as `abort`, before each evaluation.
        async run(inputs) {
          await handled()
          painting?.throwIfAborted()
          return executable.run(inputs)
        },
      }
    },
    release: () => releaseGraphs(executables),
  })
  port.postMessage({ type: 'loaded', manifest, device })
}

const generate = async (id: number, request: GenerateRequest, signal: AbortSignal) => {
  signal.throwIfAborted()
  painting = signal
  const begin = performance.now()
  const { shape } = pipeline!
  const { steps, previews, ...options } = request
  const count = request.prompts.length
  const send = (data: Float32Array, step: number, last: boolean) => {
    const pictures = Array.from({ length: count }, (_, i) => toRGBA(data, i, shape).buffer)
    const milliseconds = performance.now() - begin
    port.postMessage({ type: 'pictures', id, step, last, pictures, milliseconds }, pictures)
  }
  const asked: GenerateOptions = {
    ...options,
    num_inference_steps: steps,
    onStep: previews ? (step, _, denoised) => send(denoised, step + 1, false) : undefined,
  }
  const { data } = await pipeline!.generate(asked)
  send(data, samplingOf(pipeline!.config, asked).num_inference_steps, true)
}

const { port1, port2 } = new MessageChannel()
let onEcho: (() => void) | undefined
port1.onmessage = () => onEcho?.()
/** Resolves when all waiting messages have been handled: a message to ourselves comes after them. */
const handled = () =>
  new Promise<void>((resolve) => {
    onEcho = resolve
    port2.postMessage(null)
  })

const fail = (error: unknown, id?: number) =>
  port.postMessage({
    type: 'error',
    id,
    message: error instanceof Error ? error.message : String(error),
    ...(error instanceof UserError && { remedy: error.remedy, option: error.option }),
  })

port.onmessage = ({ data: message }) => {
  if (message.type === 'abort') return running.get(message.id)?.abort()
  const controller = new AbortController()
  if (message.type === 'generate') running.set(message.id, controller)
  queue = queue.then(async () => {
    if (message.type === 'load') await load(message.request).catch((error) => fail(error))
    else {
      const { id, request } = message
      await generate(id, request, controller.signal).catch((error) => fail(error, id))
      running.delete(id)
    }
  })
}
