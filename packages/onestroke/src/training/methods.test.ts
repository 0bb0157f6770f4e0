/** Every method in a real run: from a teacher, or from nothing, to a model that paints; resumed bit for bit. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { METHODS } from '@onestroke/core/consistency'
import { parseSafetensors, toFloat32 } from '@onestroke/core/formats'
import { fromOnnx, toOnnx, trace } from '@onestroke/core/tensor'
import { buildTextVocabulary } from '@onestroke/core/text'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { folderOf } from '../data/testing.js'
import { type LoadedModel, loadModel, Model } from '../model/index.js'
import { STATE_FILE } from '../run-files.js'
import { nodeRuntime } from '../runtime/index.js'
import { type RunOptions, run } from './run.js'
import { readProgress } from './state.js'
import { runPlan, someData, withBlocks } from './testing.js'

withBlocks(1)

const dataset = someData()
const vocabulary = buildTextVocabulary(dataset.names)
const runtime = nodeRuntime()

let teacher: LoadedModel
const weights = (folder: string) => readFile(join(folder, 'model.safetensors'))

const options = (directory: string, name: string, changes: Partial<RunOptions> = {}): RunOptions => {
  const method = METHODS[name]!
  return {
    directory,
    dataset,
    vocabulary,
    runtime,
    checkpoint_every: 1e9,
    plan: runPlan({
      command: 'distill',
      method: name,
      method_options: { ...method.options },
      guidance_scale: method.guidance_scale ?? 1,
    }),
    teacher,
    ...changes,
  }
}

/** A run of each method from its begin to its end, which several tests look at. */
const whole: Record<string, Promise<string>> = {}
const wholeOf = (name: string): Promise<string> => {
  whole[name] ??= mkdtemp(join(tmpdir(), 'onestroke-methods-')).then(async (folder) => {
    expect((await run(options(folder, name))).finished).toBe(true)
    return folder
  })
  return whole[name]
}

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'onestroke-methods-'))
  await run({ directory: folder, dataset, vocabulary, runtime, checkpoint_every: 1e9, plan: runPlan() })
  teacher = await loadModel(folder)
})
afterAll(async () => {
  for (const folder of [teacher.path, ...(await Promise.all(Object.values(whole)))])
    await rm(folder, { recursive: true })
})

describe.each(Object.keys(METHODS))('%s', (name) => {
  it('makes a student that paints in any number of steps, the same however it was interrupted', async () => {
    const [whole, parts] = [await wholeOf(name), await folderOf({})]
    let steps = 0
    await run(options(parts, name, { shouldStop: () => steps++ >= 5 }))
    await run(options(parts, name))
    expect(await weights(parts)).toEqual(await weights(whole))

    const model = await Model.load(whole, runtime)
    expect(model.config.kind).toBe('student')
    const kept = (await loadModel(whole)).layout.specs.map((spec) => spec.name)
    expect(kept.some((key) => key.includes('log_variance') || key.includes('second'))).toBe(false)
    const paint = (num_inference_steps: number, more = {}) =>
      model.generate({ prompts: ['red round', 'blue dotted'], num_inference_steps, ...more })
    const pictures = await Promise.all([1, 2, 5].map((count) => paint(count)))
    for (const { data } of pictures) expect(data.every(Number.isFinite)).toBe(true)
    expect(pictures[1]!.data).not.toEqual(pictures[0]!.data)
    const { guidance_embedding } = model.config.network.embedding
    expect(model.config.sampling.guidance_range).toEqual(guidance_embedding ? [1, 6] : undefined)
    if (guidance_embedding) {
      await expect(paint(1, { guidance_scale: 4, negative_prompt: 'green square' })).resolves.toBeDefined()
      for (const guidance_scale of [0.9, 6.5])
        await expect(paint(1, { guidance_scale })).rejects.toThrow(
          `this student learned guidance scales from 1 to 6, and not ${guidance_scale}`,
        )
    }
    await model.release()
  })
})

describe('dmd', () => {
  it('begins its second network as the teacher, and keeps it in the state', async () => {
    const folder = await folderOf({})
    let steps = 0
    const { plan } = options(folder, 'dmd')
    const still = { ...plan, schedule: { ...plan.schedule, learning_rate: 1e-30 } }
    await run(options(folder, 'dmd', { plan: still, shouldStop: () => steps++ >= 1 }))
    const { tensors } = parseSafetensors(await readFile(join(folder, STATE_FILE)), 'state')
    expect(toFloat32(tensors.get('second.parameters')!)).toEqual(teacher.weights)
    expect(toFloat32(tensors.get('parameters')!)).toEqual(teacher.weights)
    // The first steps are the second network's.
    expect(toFloat32(tensors.get('second.exp_avg')!).some((value) => value !== 0)).toBe(true)
    expect(toFloat32(tensors.get('exp_avg')!).every((value) => value === 0)).toBe(true)
  })

  it('with a head is another training, and as good at going on', async () => {
    const [plain, whole, parts] = [await wholeOf('dmd'), await folderOf({}), await folderOf({})]
    const { plan } = options(plain, 'dmd')
    const headed = { ...plan, method_options: { ...plan.method_options, gan: 0.01 } }
    await run(options(whole, 'dmd', { plan: headed }))
    let steps = 0
    await run(options(parts, 'dmd', { plan: headed, shouldStop: () => steps++ >= 8 }))
    await run(options(parts, 'dmd', { plan: headed }))
    expect(await weights(whole)).not.toEqual(await weights(plain))
    expect(await weights(parts)).toEqual(await weights(whole))
  })

  it('logs the loss of either', async () => {
    const { log } = (await readProgress(await wholeOf('dmd')))!
    expect(log).toHaveLength(1)
    expect(log[0]!.loss).toBeGreaterThan(0)
    expect(log[0]!.own_loss).toBeGreaterThan(0)
  })
})

const alone = Object.keys(METHODS).filter((name) => METHODS[name]!.teacher !== true)

it.each(alone)('%s needs no teacher', async (name) => {
  const folder = await folderOf({})
  const { teacher: _, ...rest } = options(folder, name)
  expect((await run({ ...rest, plan: { ...rest.plan, command: 'train' } })).config.kind).toBe('student')
  expect(await weights(folder)).not.toEqual(await weights(teacher.path))
})

it('measure by a feature network of another size, if asked to', async () => {
  // Features of pictures twice as large and of three channels: the means of their quarters.
  const network = fromOnnx(
    toOnnx(
      trace({ x: [1, 3, 16, 16] }, ({ x }) => ({
        y: x!.reshape([1, 3, 2, 8, 2, 8]).mean([3, 5]).reshape([1, 12]),
      })),
    ),
  )
  const [plain, perceptual] = [await wholeOf('cd'), await folderOf({})]
  const asked = options(perceptual, 'cd', { features: network })
  const method_options = { ...asked.plan.method_options, distance: 'perceptual' }
  await run({ ...asked, plan: { ...asked.plan, method_options } })
  expect(await weights(perceptual)).not.toEqual(await weights(plain))
  await expect(
    run({ ...options(await folderOf({}), 'cd'), plan: { ...asked.plan, method_options } }),
  ).rejects.toThrow('a perceptual distance needs a feature network')
})
