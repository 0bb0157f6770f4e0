/** One owner at a time: also where many start at once, and where locks were left behind. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { link, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { builtUrl } from '../built.js'
import { complaint, folderOf } from '../data/testing.js'
import { LOCK_FILE } from '../run-files.js'
import { isLocked, lockRun } from './lock.js'
import { GONE, lockWith } from './testing.js'

vi.mock('node:fs/promises', async (original) => {
  const promises = await original<typeof import('node:fs/promises')>()
  return { ...promises, link: vi.fn(promises.link) }
})
vi.setConfig({ testTimeout: 120_000 })

/** Takes links away from a process, as file systems without them do. */
const WITHOUT_LINKS = `
  const { syncBuiltinESMExports } = await import('node:module')
  const { default: promises } = await import('node:fs/promises')
  promises.link = async () => {
    throw Object.assign(new Error('no links'), { code: 'EPERM' })
  }
  syncBuiltinESMExports()`
const STARTER = `
  const { lockRun } = await import(${JSON.stringify(builtUrl(import.meta.url, './lock.js').href)})
  const held = []
  process.on('message', async (folders) => {
    const lock = (folder) => lockRun(folder).then((unlock) => (held.push(unlock), 'held'), (error) => error.message)
    const answers = await Promise.all(folders.map(lock))
    if (folders.length === 0) for (const unlock of held.splice(0)) await unlock()
    process.send(answers)
  })
  process.send([])`

const starters: ChildProcess[] = []
afterAll(() => {
  for (const starter of starters) starter.kill('SIGKILL')
})
const answer = async (starter: ChildProcess): Promise<string[]> =>
  (await once(starter, 'message'))[0] as string[]
/** A process that locks the folders that it is sent, all at once, and gives them back when it is sent none. */
const starter = async (before = ''): Promise<ChildProcess> => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', before + STARTER], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  starters.push(child)
  expect(await answer(child)).toEqual([])
  return child
}
const asked = (starter: ChildProcess, folders: readonly string[]): Promise<string[]> => {
  const answered = answer(starter)
  starter.send(folders)
  return answered
}

/** Expects that one of several processes gets the lock of each folder, and the others hear of that one; then they are given back. */
const race = async (
  starters: readonly ChildProcess[],
  folders: readonly string[],
  round: number,
): Promise<void> => {
  const answers = await Promise.all(starters.map((one) => asked(one, folders)))
  for (const [i, folder] of folders.entries()) {
    const here = answers.map((ofOne) => ofOne[i]!)
    expect([round + i, here.filter((one) => one === 'held')]).toEqual([round + i, ['held']])
    const winner = starters[here.indexOf('held')]!
    for (const one of here)
      if (one !== 'held') expect(one).toContain(`process ${winner.pid} is working on the run in ${folder}`)
    expect(await readdir(folder)).toEqual([LOCK_FILE])
  }
  await Promise.all(starters.map((one) => asked(one, [])))
  for (const folder of folders) expect(await readdir(folder)).toEqual([])
}

const lockIn = (folder: string) => join(folder, LOCK_FILE)
const onLinux = existsSync('/proc/self/stat')

describe('the lock of a run', () => {
  it('keeps others away until it is given back, and this process too', async () => {
    const folder = await folderOf({})
    const unlock = await lockRun(folder)
    const { message, remedy } = await complaint(lockRun(folder))
    expect(message).toMatch(/^process \d+ is working on the run in .+, since \d{4}-\d\d-\d\dT[\d:.]+Z$/)
    expect(message).toContain(`process ${process.pid} is working on the run in ${folder}, since `)
    expect(remedy).toContain(`delete ${lockIn(folder)}`)
    expect(await readdir(folder)).toEqual([LOCK_FILE])
    expect(JSON.parse(await readFile(lockIn(folder), 'utf8'))).toMatchObject({
      pid: process.pid,
      host: hostname(),
    })
    expect(await isLocked(folder)).toBe(true)
    await unlock()
    expect(await readdir(folder)).toEqual([])
    expect(await isLocked(folder)).toBe(false)
  })

  it('of a process that was killed is taken over, and is left alone by its exit', async () => {
    const folder = await folderOf({})
    const other = await starter()
    expect(await asked(other, [folder])).toEqual(['held'])
    expect((await complaint(lockRun(folder))).message).toContain(`process ${other.pid} is working on`)
    const gone = once(other, 'exit')
    other.kill('SIGKILL')
    await gone
    expect(await isLocked(folder)).toBe(false)
    const unlock = await lockRun(folder)
    expect(JSON.parse(await readFile(lockIn(folder), 'utf8')).pid).toBe(process.pid)
    expect(await readdir(folder)).toEqual([LOCK_FILE])
    // Somebody deletes it, and another process makes its own: which is not ours to remove.
    const theirs = await readFile(lockIn(folder), 'utf8')
    await writeFile(lockIn(folder), theirs.replace(/"id":"[^"]+"/, '"id":"other"'))
    await unlock()
    expect(await readdir(folder)).toEqual([LOCK_FILE])
  })

  it('is held by who may live: on another host, or in another container', async () => {
    const folder = await folderOf({})
    await lockWith(folder, { host: 'elsewhere', pid: GONE })
    expect((await complaint(lockRun(folder))).message).toContain(
      `process ${GONE} on elsewhere is working on the run in ${folder}, since 20`,
    )
    await writeFile(lockIn(folder), '')
    await utimes(lockIn(folder), 0, 0)
    await lockWith(folder, { namespace: 'pid:[1]', pid: GONE })
    expect((await complaint(lockRun(folder))).message).toContain(
      `process ${GONE} in another container is working on the run in ${folder}`,
    )
  })

  it('is stale where its process cannot live any more', async () => {
    const folder = await folderOf({})
    const stale: Record<string, unknown>[] = [
      { pid: GONE },
      { boot: 'an earlier one', namespace: 'pid:[1]' },
      // Another process has its id by now.
      ...(onLinux ? [{ started: '1' }] : []),
    ]
    for (const change of stale) {
      await lockWith(folder, change)
      expect(await isLocked(folder)).toBe(false)
      await (await lockRun(folder))()
      expect(await readdir(folder)).toEqual([])
    }
  })

  it('is nothing where nobody knows whose it is, unless it is just being made', async () => {
    const folder = await folderOf({ [LOCK_FILE]: 'damaged' })
    const lock = lockRun(folder)
    const early = await Promise.race([lock, new Promise((resolve) => setTimeout(resolve, 300, 'waits'))])
    expect(early).toBe('waits')
    await utimes(lockIn(folder), 0, 0)
    await (await lock)()
    expect(await readdir(folder)).toEqual([])
  })

  it('needs no links', async () => {
    const folder = await folderOf({})
    vi.mocked(link).mockRejectedValue(Object.assign(new Error('no links'), { code: 'EPERM' }))
    try {
      const unlock = await lockRun(folder)
      expect((await complaint(lockRun(folder))).message).toContain(`process ${process.pid} is working`)
      await unlock()
      await lockWith(folder, { pid: GONE })
      await (await lockRun(folder))()
      expect(await readdir(folder)).toEqual([])
    } finally {
      vi.mocked(link).mockRestore()
    }
  })

  /** Each in a folder of its own at a time, because locks wait for one another more than they work. */
  const [ROUNDS, FOLDERS] = [1000, 10]
  it(`has one owner, whenever four processes start at once over a stale one: ${ROUNDS} rounds`, async () => {
    const four = await Promise.all(Array.from({ length: 4 }, () => starter()))
    const folders = await Promise.all(Array.from({ length: FOLDERS }, () => folderOf({})))
    /** A stale lock for the round. One in three had somebody killed while he was removing it. */
    const prepare = async (folder: string, round: number) => {
      await lockWith(folder, { id: `stale-${round}`, pid: GONE })
      if (round % 3 === 0)
        await writeFile(
          join(folder, `${LOCK_FILE}.stale-${round}`),
          (await readFile(lockIn(folder), 'utf8')).replace(`stale-${round}`, `stale-too-${round}`),
        )
    }
    for (let round = 0; round < ROUNDS; round += FOLDERS) {
      await Promise.all(folders.map((folder, i) => prepare(folder, round + i)))
      await race(four, folders, round)
    }
  })

  it.each([
    ['over none', '', false],
    ['over none, without links', WITHOUT_LINKS, false],
    ['over a stale one, without links', WITHOUT_LINKS, true],
  ] as const)('has one owner, whenever four processes start at once %s', async (_, before, isStale) => {
    const four = await Promise.all(Array.from({ length: 4 }, () => starter(before)))
    const folder = await folderOf({})
    for (let round = 0; round < 25; round++) {
      if (isStale) await lockWith(folder, { id: `stale-${round}`, pid: GONE })
      await race(four, [folder], round)
    }
  })
})
