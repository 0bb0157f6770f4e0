import { mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isSamePath, isWithin, realPathOf } from './real-path.js'

const folder = await mkdtemp(join(tmpdir(), 'onestroke-paths-'))
const at = (name: string) => join(folder, name)
afterAll(() => rm(folder, { recursive: true, force: true }))
beforeAll(async () => {
  await mkdir(at('data/inner'), { recursive: true })
  await symlink('data', at('link'))
  await symlink('..', at('data/up'))
})

describe('realPathOf', () => {
  it('follows links, also above what is not there yet', async () => {
    const real = await realpath(folder)
    expect(realPathOf(at('link/inner'))).toBe(join(real, 'data', 'inner'))
    expect(realPathOf(at('link/new/run'))).toBe(join(real, 'data', 'new', 'run'))
    expect(realPathOf(at('data/up/other'))).toBe(join(real, 'other'))
  })
})

describe('isSamePath', () => {
  it('sees through links', () => {
    expect(isSamePath(at('link'), at('data'))).toBe(true)
    expect(isSamePath(at('link/new'), at('data/new'))).toBe(true)
    expect(isSamePath(at('link'), at('data/inner'))).toBe(false)
  })
})

describe('isWithin', () => {
  it('sees through links, and takes no name for a way up', () => {
    expect(isWithin(at('link/run'), at('data'))).toBe(true)
    expect(isWithin(at('data'), at('link'))).toBe(true)
    expect(isWithin(at('data/..run'), at('data'))).toBe(true)
    expect(isWithin(at('data/up/run'), at('data'))).toBe(false)
    expect(isWithin(at('data2'), at('data'))).toBe(false)
    expect(isWithin(folder, at('data'))).toBe(false)
  })
})
