/** Adapters in a real run: from a teacher to a model folder, with the teacher's own weights as constants of both. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { METHODS } from '@onestroke/core/consistency'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { folderOf } from '../data/testing.js'
import { type LoadedModel, loadModel } from '../model/index.js'
import { nodeRuntime } from '../runtime/index.js'
import { constantsOf, prepare, stepPrograms } from './job.js'
import type { RunPlan } from './plan.js'
import { checkRun, type RunOptions, run } from './run.js'
import { TEACHER_PREFIX } from './step.js'
import { runPlan, someData, UNCONDITIONAL, withBlocks } from './testing.js'

// One block has no half.
withBlocks(2)

const given = { dataset: someData(), vocabulary: UNCONDITIONAL }
const options = (directory: string, changes: Partial<RunOptions> = {}): RunOptions => ({
  ...given,
  directory,
  plan: runPlan(),
  runtime: nodeRuntime(),
  checkpoint_every: 1e9,
  ...changes,
})
const adapting = (method: string, changes: Partial<RunPlan> = {}) =>
  runPlan({
    command: 'distill',
    method,
    method_options: { ...METHODS[method]!.options },
    lora: { rank: 2, alpha: 4, targets: ['qkv', 'mlp.1'] },
    ...changes,
  })
const bytes = (folder: string) => readFile(join(folder, 'model.safetensors'))

let teacher: LoadedModel
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'onestroke-lora-'))
  await run(options(folder))
  teacher = await loadModel(folder)
})
afterAll(() => rm(teacher.path, { recursive: true }))

describe('a run of adapters', () => {
  it('moves the weights that they are for and no other, the same however often it was stopped', async () => {
    const [whole, parts] = [await folderOf({}), await folderOf({})]
    const before = teacher.weights.slice()
    await run(options(whole, { plan: adapting('ecd'), teacher }))
    let steps = 0
    const first = await run(
      options(parts, { plan: adapting('ecd'), teacher, shouldStop: () => steps++ >= 5 }),
    )
    expect(first.finished).toBe(false)
    await run(options(parts, { plan: adapting('ecd'), teacher }))
    expect(await bytes(parts)).toEqual(await bytes(whole))

    expect(teacher.weights).toEqual(before)
    const { layout, weights } = await loadModel(whole)
    const there = teacher.layout.unflatten(before)
    for (const [name, values] of Object.entries(layout.unflatten(weights)))
      if (/\.(qkv|mlp\.1)\.weight$/.test(name)) expect(values).not.toEqual(there[name])
      else expect(values).toEqual(there[name])
  })

  it.each(['ecd', 'dmd', 'ict'])('%s gives its teacher and its student one set of constants', (method) => {
    const job = prepare({ ...given, plan: adapting(method), teacher })
    for (const program of stepPrograms(job, 2)) {
      const constants = constantsOf(job, program)
      expect(Object.keys(constants).sort()).toEqual(
        teacher.layout.specs.map(({ name }) => TEACHER_PREFIX + name).sort(),
      )
      for (const values of Object.values(constants)) expect(values.buffer).toBe(teacher.weights.buffer)
    }
  })

  it('trains what the method adds to the network whole', async () => {
    const folder = await folderOf({})
    await run(options(folder, { plan: adapting('lcm', { guidance_scale: [1, 3] }), teacher }))
    const { layout, config } = await loadModel(folder)
    expect(config.network.embedding.guidance_embedding).toBe(true)
    expect(layout.size).toBeGreaterThan(teacher.layout.size)
  })

  it('needs a model to adapt, and layers that it has', () => {
    const check = (plan: RunPlan) => () => checkRun({ ...given, plan, teacher })
    const half = adapting('ecd', { preset: 'half' })
    expect(check(half)).toThrow('adapters need a model of the same network to begin as')
    const lora = { rank: 2, alpha: 4, targets: ['to_q'] }
    expect(check(adapting('ecd', { lora }))).toThrow('lora: the network has no layer to_q')
  })
})
