import { METHODS } from '@onestroke/core/consistency'
import type { Vocabulary } from '@onestroke/core/text'
import { describe, expect, it } from 'vitest'
import { folderOf } from '../data/testing.js'
import { type LoadedModel, loadModel } from '../model/index.js'
import { nodeRuntime } from '../runtime/index.js'
import type { RunPlan } from './plan.js'
import { checkRun, type RunOptions, run } from './run.js'
import { runPlan, someData, UNCONDITIONAL, withBlocks } from './testing.js'

// One block has no half.
withBlocks(2)

/** A training that does not move. */
const still = { ...runPlan().schedule, learning_rate: 1e-30 }
const distillation = (changes: Partial<RunPlan> = {}) =>
  runPlan({ command: 'distill', method: 'ecd', method_options: { ...METHODS.ecd!.options }, ...changes })

const trained = async (plan: RunPlan, changes: Partial<RunOptions> = {}): Promise<LoadedModel> => {
  const directory = await folderOf({})
  const given = { dataset: someData(), vocabulary: UNCONDITIONAL, runtime: nodeRuntime() }
  await run({ ...given, directory, plan, checkpoint_every: 1e9, ...changes })
  return loadModel(directory)
}

/** Models that several tests go on from, each trained once. They are in memory: their folders end with the first of these tests. */
const once = (train: () => Promise<LoadedModel>) => {
  let model: Promise<LoadedModel> | undefined
  return () => {
    model ??= train()
    return model
  }
}
const aTeacher = once(() => trained(runPlan()))
const aStudent = once(async () => trained(distillation(), { teacher: await aTeacher() }))
const aGuided = once(async () =>
  trained(distillation({ guidance_scale: [1, 3] }), { teacher: await aTeacher() }),
)

const check =
  (plan: RunPlan, changes: Partial<RunOptions> = {}) =>
  () =>
    checkRun({ dataset: someData(), vocabulary: UNCONDITIONAL, plan, ...changes })

describe('a run that goes on from a model', () => {
  it('begins as it, whatever its teacher and its seed are, and says so', async () => {
    const first = await aTeacher()
    const again = await trained(runPlan({ schedule: still, seed: 7 }), { initFrom: first })
    expect(again.weights).toEqual(first.weights)
    expect(again.config.provenance.init_from).toBe(first.sha256)
    const student = await aStudent()
    expect(student.config.provenance).not.toHaveProperty('init_from')
    const longer = await trained(distillation({ schedule: still }), { teacher: first, initFrom: student })
    expect(longer.weights).toEqual(student.weights)
    expect(longer.config.provenance).toMatchObject({ parent: first.sha256, init_from: student.sha256 })
  })

  it('goes on listening to guidance', async () => {
    const teacher = await aTeacher()
    const student = await aGuided()
    const longer = await trained(distillation({ guidance_scale: 2, schedule: still }), {
      teacher,
      initFrom: student,
    })
    expect(longer.weights).toEqual(student.weights)
    expect(longer.config.sampling).toMatchObject({ guidance_scale: 2, guidance_range: [1, 3] })
  })

  it('halves it where half is asked for, and takes half as it is', async () => {
    const teacher = await aTeacher()
    const student = await aStudent()
    const plan = distillation({ preset: 'half', schedule: still })
    const half = await trained(plan, { teacher, initFrom: student })
    const [there, here] = [student, half].map(({ layout, weights }) => layout.unflatten(weights))
    expect(half.layout.size).toBeLessThan(student.layout.size)
    for (const [name, values] of Object.entries(here!)) expect(values).toEqual(there![name])
    expect((await trained(plan, { teacher, initFrom: half })).weights).toEqual(half.weights)
  })

  it('stays what it is where a method refines it', async () => {
    const teacher = await aTeacher()
    const student = await aGuided()
    const plan = distillation({
      method: 'dmd',
      method_options: { ...METHODS.dmd!.options },
      guidance_scale: [1, 3],
      schedule: still,
    })
    const refined = await trained(plan, { teacher, initFrom: student })
    expect(refined.weights).toEqual(student.weights)
    expect(refined.config.boundary).toBe(true)
    // At a single scale it learns there, and still takes others.
    const single = await trained({ ...plan, guidance_scale: 1 }, { teacher, initFrom: student })
    expect(single.weights).toEqual(student.weights)
    expect(single.config.sampling).toMatchObject({ guidance_scale: 1, guidance_range: [1, 3] })
    const scd = { method: 'scd', method_options: { ...METHODS.scd!.options } }
    const other = await trained(distillation(scd), { teacher })
    expect(other.config.boundary).toBe(false)
    const plain = { ...plan, guidance_scale: 1 }
    expect((await trained(plain, { teacher, initFrom: other })).config.boundary).toBe(false)
    const soflow = { method: 'soflow', method_options: { ...METHODS.soflow!.options } }
    const map = await trained(distillation(soflow), { teacher })
    expect(check(plain, { teacher, initFrom: map })).toThrow(/is a flow map, which dmd does not make better/)
  })

  it('is refused where it cannot begin so', async () => {
    const teacher = await aTeacher()
    const half = await trained(distillation({ preset: 'half' }), { teacher })
    expect(check(distillation(), { teacher, initFrom: half })).toThrow(/is a network of another size/)
    expect(check(distillation({ preset: 'small' }), { teacher, initFrom: teacher })).toThrow(
      /is a network of another size/,
    )
    const vocabulary: Vocabulary = { kind: 'class', classes: ['a', 'b', 'c'] }
    const classes = await trained(runPlan(), { vocabulary })
    expect(check(distillation(), { teacher, initFrom: classes })).toThrow(/knows other prompts or classes/)
  })
})
