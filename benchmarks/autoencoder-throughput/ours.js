/** onestroke's side: trains as the training loop does, without preparing batches. See `theirs.py` for the other one. */
import { readFileSync } from 'node:fs'
import { autoencoderConfig, autoencoderLayout } from '@onestroke/core/autoencoder'
import { parseSafetensors, toFloat32 } from '@onestroke/core/formats'
import { autoencoderStep, nodeRuntime, Optimizer } from 'onestroke'
import { peakMemory, serve } from '../lib/child.js'

/** @param {string} directory that holds job.json and tensors.safetensors */
const trainer = async (directory) => {
  /** @type {import('./cases.js').Job} */
  const job = JSON.parse(readFileSync(`${directory}/job.json`, 'utf8'))
  const network = autoencoderConfig.parse(job.config.network)
  const path = `${directory}/tensors.safetensors`
  const { tensors } = parseSafetensors(readFileSync(path), path)
  const layout = autoencoderLayout(network)
  const optimizer = new Optimizer(layout.size, job.optimizer)
  const weights = layout.unflatten(optimizer.parameters)
  /** @type {Record<string, Float32Array>[]} */
  const batches = []
  for (const [name, entry] of tensors) {
    const [section, ...rest] = name.split('.')
    if (section === 'weights') weights[rest.join('.')].set(toFloat32(entry))
    else {
      const [i, key] = [Number(rest[0]), rest[1]]
      batches[i] ??= {}
      batches[i][key] = toFloat32(entry)
    }
  }
  optimizer.ema.set(optimizer.parameters)
  const program = autoencoderStep(network, job.batch, job.crop)
  const executable = await nodeRuntime({ threads: job.threads }).compile(program)
  // Every crop counts once.
  const counts = {
    weight: new Float32Array(job.batch).fill(1),
    total_weight: Float32Array.of(job.batch),
  }
  const { parameters, gradient } = optimizer
  let steps = 0
  return async () => {
    const { loss } = await executable.run(
      { ...counts, ...batches[steps % batches.length], parameters },
      { gradient },
    )
    steps++
    await optimizer.step(steps, job.learning_rate, job.ema_decay, optimizer.gradientNorm())
    return loss[0]
  }
}

/** @type {() => Promise<number>} */
let step
await serve(async ({ open, steps }) => {
  if (open) {
    step = await trainer(open)
    return { versions: {} }
  }
  const losses = []
  const begin = performance.now()
  for (let i = 0; i < steps; i++) losses.push(await step())
  return { seconds: (performance.now() - begin) / 1000, losses, peak_memory: peakMemory() }
})
