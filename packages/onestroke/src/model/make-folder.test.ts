import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { complaint, folderOf } from '../data/testing.js'
import { makeFolder } from './make-folder.js'

describe('makeFolder', () => {
  it('makes what is missing, at once or not at all', async () => {
    const folder = await folderOf({ file: 'x' })
    const deep = join(folder, 'a', 'b', 'c')
    await Promise.all([makeFolder(deep), makeFolder(deep), makeFolder(join(folder, 'a'))])
    await makeFolder(`${deep}/`)
    expect((await stat(deep)).isDirectory()).toBe(true)
    expect((await complaint(makeFolder(join(folder, 'file')))).message).toContain('is a file')
    expect((await complaint(makeFolder(join(folder, 'file', 'x')))).message).toContain('is not a folder')
    expect((await complaint(makeFolder(join(folder, 'x'.repeat(300))))).message).toContain(
      'the name is too long',
    )
  })

  it('comes back where no folder can be made', async (context) => {
    context.skip(!existsSync('/proc/self'), 'SKIPPED: needs /proc')
    expect((await complaint(makeFolder('/proc/a/b'))).message).toBe(
      'cannot make the folder /proc/a: nothing can be made there',
    )
  })
})
