/** onestroke's side: trains as the training loop does, without preparing batches. See `theirs.py` for the other one. */
import { readFileSync } from 'node:fs'
import { diffusion } from '@onestroke/core/diffusion'
import { parseSafetensors, toFloat32 } from '@onestroke/core/formats'
import { networkConfig, networkLayout } from '@onestroke/core/nn'
import { nodeRuntime, Optimizer, trainingStep } from 'onestroke'
import { peakMemory, serve } from '../lib/child.js'

/** @param {string} directory that holds job.json and tensors.safetensors */
const trainer = async (directory) => {
  const stored = JSON.parse(readFileSync(`${directory}/job.json`, 'utf8'))
  const network = networkConfig.parse(stored.config.network)
  /** @type {import('./cases.js').Job} */
  const job = { ...stored, config: { ...stored.config, network } }
  const path = `${directory}/tensors.safetensors`
  const { tensors } = parseSafetensors(readFileSync(path), path)
  const optimizer = new Optimizer(networkLayout(job.config.network).size, job.optimizer)
  const weights = networkLayout(job.config.network).unflatten(optimizer.parameters)
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
  const program = trainingStep({
    student: job.config,
    guidance_scale: 1,
    objective: diffusion,
    options: diffusion.options,
    batch: job.batch,
  })
  const executable = await nodeRuntime({ threads: job.threads }).compile(program)
  // What the diffusion loss does not look at is 0, but every picture counts once.
  const unused = Object.fromEntries(
    Object.entries(program.inputs).map(([name, { size }]) => [
      name,
      new Float32Array(size).fill(name === 'weight' ? 1 : 0),
    ]),
  )
  unused.total_weight[0] = job.batch
  const { parameters, gradient } = optimizer
  let steps = 0
  return async () => {
    const { loss } = await executable.run(
      { ...unused, ...batches[steps % batches.length], parameters },
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
