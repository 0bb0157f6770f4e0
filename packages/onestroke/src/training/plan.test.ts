import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { complaint, folderOf } from '../data/testing.js'
import { PLAN_FILE } from '../run-files.js'
import { openRun } from './plan.js'
import { runPlan } from './testing.js'

const plan = runPlan()

describe('the folder of a run', () => {
  it('is made, and holds the plan', async () => {
    const folder = join(await folderOf({}), 'deep', 'er')
    expect(await openRun(folder, plan, false)).toBe('new')
    expect(JSON.parse(await readFile(join(folder, PLAN_FILE), 'utf8'))).toEqual(plan)
    expect(await openRun(folder, plan, false)).toBe('unfinished')
  })

  it('is finished when it is a model, and then stays as it is', async () => {
    const folder = await folderOf({ 'notes.txt': 'mine' })
    await openRun(folder, plan, false)
    await writeFile(join(folder, 'config.json'), '{}')
    await writeFile(join(folder, 'model.safetensors'), 'weights')
    const before = (await readdir(folder)).sort()
    // This is what a kill between the model's last byte and the end leaves behind.
    await writeFile(join(folder, 'state.safetensors'), 'what it went on from')
    expect(await openRun(folder, plan, false)).toBe('finished')
    expect((await readdir(folder)).sort()).toEqual(before)
  })

  it('is for one set of options; what differs is named', async () => {
    const folder = await folderOf({})
    await openRun(folder, plan, false)
    const other = runPlan({
      batch: 8,
      images: null,
      minutes: 3,
      schedule: { ...plan.schedule, learning_rate: 0.5 },
      data: { ...plan.data, sha256: 'def' },
    })
    const error = await complaint(openRun(folder, other, false))
    expect(error.option).toBe('out')
    expect(error.message).toBe(
      `the run in ${folder} was started with other options: data.sha256 was "abc" and is now "def"; batch was 4 and is now 8; images was 48 and is now null; minutes was null and is now 3; schedule.learning_rate was 0.001 and is now 0.5`,
    )
    expect(error.remedy).toContain('`force`')
    const tuned = await complaint(openRun(folder, runPlan({ tune: false }), false))
    expect(tuned.message).toMatch(/: tune was not there and is now false$/)
    expect(await openRun(folder, plan, false)).toBe('unfinished')
  })

  it('is emptied of the run, and of nothing else, by force', async () => {
    const files = ['config.json', 'model.safetensors', 'state.safetensors', 'state.previous.safetensors']
    const more = ['progress.json', 'samples.png', 'report.html', 'report.json']
    const folder = await folderOf({})
    await openRun(folder, plan, false)
    for (const name of [...files, ...more, 'notes.txt']) await writeFile(join(folder, name), 'x')
    expect(await openRun(folder, runPlan({ batch: 8 }), true)).toBe('new')
    expect((await readdir(folder)).sort()).toEqual(['notes.txt', PLAN_FILE])
    expect(JSON.parse(await readFile(join(folder, PLAN_FILE), 'utf8'))).toMatchObject({ batch: 8 })
  })

  it('is not taken from a model or a state that no plan explains', async () => {
    for (const [name, what] of [
      ['config.json', 'a model'],
      ['state.safetensors', 'the state of a run, but no run.json that says which'],
      ['samples.png', 'samples.png, which is not of a run'],
    ] as const) {
      const folder = await folderOf({ [name]: 'x' })
      const error = await complaint(openRun(folder, plan, false))
      expect(error.message).toBe(`${folder} already holds ${what}`)
      expect(error.remedy).toContain('`force`')
      expect(await readdir(folder)).toEqual([name])
    }
  })

  it.each(['', '{"command": "tr', 'null', '[]', '{}'])('with the plan %j is damaged', async (text) => {
    const folder = await folderOf({ [PLAN_FILE]: text })
    const { message, remedy } = await complaint(openRun(folder, plan, false))
    expect(message).toBe(`${join(folder, PLAN_FILE)} is damaged`)
    expect(remedy).toBe('choose another `out`, or start over with `force`')
  })

  it('is swept of what a process that has ended left half-written', async () => {
    const { pid } = spawnSync(process.execPath, ['--version'])
    const [dead, alive] = [`.state.safetensors.${pid}.tmp`, `.state.safetensors.${process.pid}.tmp`]
    const folder = await folderOf({ [dead]: 'x', [alive]: 'x', 'mine.1.tmp': 'x' })
    await openRun(folder, plan, false)
    await openRun(folder, plan, false)
    expect((await readdir(folder)).sort()).toEqual([alive, 'mine.1.tmp', PLAN_FILE].sort())
  })

  it('cannot be a file, nor in one, nor in a place that takes none', async () => {
    const folder = await folderOf({ file: 'x' })
    const file = join(folder, 'file')
    expect((await complaint(openRun(file, plan, false))).message).toBe(
      `${file} is a file, where a folder is needed`,
    )
    expect((await complaint(openRun(join(file, 'a', 'b'), plan, false))).message).toContain('is not a folder')
    await symlink(join(folder, 'gone'), join(folder, 'link'))
    const link = await complaint(openRun(join(folder, 'link'), plan, false))
    expect(link.message).toContain('a link that leads nowhere')
    expect(await readFile(file, 'utf8')).toBe('x')
    if (existsSync('/proc/self'))
      expect((await complaint(openRun('/proc/onestroke/run', plan, false))).message).toBe(
        'cannot make the folder /proc/onestroke: nothing can be made there',
      )
  })

  it('may be there already, empty or not', async () => {
    const folder = await folderOf({ 'notes.txt': 'mine' })
    await mkdir(join(folder, 'empty'))
    expect(await openRun(join(folder, 'empty'), plan, false)).toBe('new')
    expect(await openRun(folder, plan, false)).toBe('new')
  })
})

describe('the run in a folder, once more', () => {
  it('goes on when the same pictures are named from elsewhere, and not with others', async () => {
    const folder = await folderOf({})
    await openRun(folder, plan, false)
    const moved = { ...plan, data: { ...plan.data, spec: '/elsewhere' } }
    expect(await openRun(folder, moved, false)).toBe('unfinished')
    const others = { ...moved, data: { ...moved.data, sha256: 'f'.repeat(64) } }
    expect((await complaint(openRun(folder, others, false))).message).toContain('data.sha256 was')
  })
})
