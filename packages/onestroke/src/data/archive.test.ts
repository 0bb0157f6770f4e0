/** What an archive of few bytes may take of the memory. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { packTar } from 'modern-tar'
import { expect, it, vi } from 'vitest'
import { builtUrl } from '../built.js'
import { folderOf } from './testing.js'

vi.setConfig({ testTimeout: 120_000 })
/** This is nearly the most that a picture's file may have. */
const SIZE = 240 * 2 ** 20

/** The block before a member's content. */
const headerOf = async (name: string, size: number): Promise<Uint8Array> => {
  const block = Buffer.from(await packTar([{ header: { name, size: 0, type: 'file' } }])).subarray(0, 512)
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124, 'latin1')
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

it('a member takes less than twice its size of the memory, though few bytes hold it', async () => {
  // Archives of gzip may follow one another in a file.
  const parts = [await headerOf('1.png', SIZE), Buffer.alloc(SIZE), Buffer.alloc(1024)]
  const packed = Buffer.concat(parts.map((part) => gzipSync(part)))
  expect(packed.length).toBeLessThan(2 ** 20)
  const file = join(await folderOf({ 'x.tar.gz': packed }), 'x.tar.gz')
  const script = `
    const { loadDataset } = await import(${JSON.stringify(builtUrl(import.meta.url, './index.js').href)})
    const { message } = await loadDataset(${JSON.stringify(`tar:${file}`)}).catch((error) => error)
    console.log(JSON.stringify({ message, kilobytes: process.resourceUsage().maxRSS }))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  const { message, kilobytes } = JSON.parse(stdout)
  expect(message).toBe(`no readable pictures in ${file}: 1 skipped, the first 1 (not a picture)`)
  expect(1024 * kilobytes).toBeLessThan(2 * SIZE)
})
