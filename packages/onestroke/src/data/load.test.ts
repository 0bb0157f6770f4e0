import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { DataOptions } from './dataset.js'
import { DATA_KINDS, KINDS } from './kinds.js'
import { loadDataset } from './load.js'
import { complaint, emptyPipe, folderOf, hasPipes, png, RED } from './testing.js'

/** Each kind, of nothing. */
const NOTHING = DATA_KINDS.map(({ prefix }) => (prefix === undefined ? '' : `${prefix}:`))

describe('loadDataset', () => {
  it.each([...NOTHING, 'http://example.com/x.tar', 'zip:x.zip'])(
    'says which kinds there are when asked for "%s"',
    async (spec) => {
      const error = await complaint(loadDataset(spec))
      expect(error.option).toBe('data')
      expect(error.remedy).toBe(`\`data\` is ${KINDS}`)
    },
  )

  it('names every kind once, the folder in words', () => {
    expect(KINDS).toContain('iconify:NAME[,NAME…], a folder of pictures, idx:DIR (MNIST format), ')
    for (const { prefix } of DATA_KINDS)
      if (prefix) expect(KINDS.match(new RegExp(`\\b${prefix}:`, 'g'))).toHaveLength(1)
    expect(DATA_KINDS.filter(({ prefix }) => prefix === undefined)).toHaveLength(1)
  })

  it('says which kind an option is for', async () => {
    const message = async (options: DataOptions) => (await complaint(loadDataset('idx:x', options))).message
    expect(await message({ category: ['a'] })).toBe('only iconify:NAME has categories')
    expect(await message({ part: 'left' })).toBe('only tar:FILE has parts')
  })

  it.each(['no/such/folder', 'idx:no/such/folder', 'tar:no/such/folder'])(
    'names the missing %s',
    async (spec) => {
      const error = await complaint(loadDataset(spec))
      expect(error.message).toBe('there is no no/such/folder')
      expect(error.remedy).toBe(`\`data\` is ${KINDS}`)
      expect(error.option).toBe('data')
    },
  )

  it('tells files from folders', async () => {
    const directory = await folderOf({ 'a.png': await png(RED, 4) })
    const file = join(directory, 'a.png')
    expect((await complaint(loadDataset(file))).message).toBe(`${file} is not a folder`)
    expect((await complaint(loadDataset(`idx:${file}`))).message).toBe(`${file} is not a folder`)
    expect((await complaint(loadDataset(`tar:${directory}`))).message).toBe(`no archives in ${directory}`)
  })

  it.skipIf(!hasPipes)('takes no pipe for a folder or an archive, and waits for none', async () => {
    const directory = await folderOf({})
    const pipe = emptyPipe(directory, 'x.tar')
    const message = async (spec: string) => (await complaint(loadDataset(spec))).message
    expect(await message(pipe)).toBe(`${pipe} is not a folder`)
    expect(await message(`idx:${pipe}`)).toBe(`${pipe} is not a folder`)
    for (const spec of ['x.tar', '', '*.tar'])
      expect(await message(`tar:${join(directory, spec)}`)).toBe(`${pipe} is not a file`)
  })

  it('refuses options that cannot be', async () => {
    const directory = await folderOf({ 'a.png': await png(RED, 4) })
    for (const options of [
      { resolution: 0 },
      { resolution: 1.5 },
      { limit: 0 },
      { channels: 2 as 1 },
      { category: ['a'] },
      { part: 'left' },
    ])
      expect([(await complaint(loadDataset(directory, options))).option]).toEqual(Object.keys(options))
  })
})
