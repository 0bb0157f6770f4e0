/** onestroke's side of a comparison of trainings: trains as the training loop does, without preparing batches. */
import { readFileSync } from 'node:fs'
import { parseSafetensors, toFloat32 } from '@onestroke/core/formats'
import { nodeRuntime, Optimizer } from 'onestroke'
import { peakMemory, serve } from './child.js'

/**
 * @typedef {object} Training
 * @property {{ batch: number, threads: number, optimizer: import('onestroke').OptimizerOptions, learning_rate: number, ema_decay: number }} job
 * @property {import('@onestroke/core/nn').Layout} layout
 * @property {import('@onestroke/core/tensor').Program} program of a step
 */

/**
 * Makes what takes steps, one after another.
 *
 * @param {string} directory that holds tensors.safetensors: the first weights, and batches
 * @param {Training} training
 */
const trainer = async (directory, { job, layout, program }) => {
  const path = `${directory}/tensors.safetensors`
  const { tensors } = parseSafetensors(readFileSync(path), path)
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
  const executable = await nodeRuntime({ threads: job.threads }).compile(program)
  // What no batch holds is not looked at, and 0; but every picture counts once.
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

/** @param {(stored: any) => Training} trainingOf what job.json holds */
export const serveTraining = async (trainingOf) => {
  /** @type {() => Promise<number>} */
  let step
  await serve(async ({ open, steps }) => {
    if (open) {
      step = await trainer(open, trainingOf(JSON.parse(readFileSync(`${open}/job.json`, 'utf8'))))
      return { versions: {} }
    }
    const losses = []
    const begin = performance.now()
    for (let i = 0; i < steps; i++) losses.push(await step())
    return { seconds: (performance.now() - begin) / 1000, losses, peak_memory: peakMemory() }
  })
}
