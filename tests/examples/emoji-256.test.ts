/** examples/emoji-256, and what the data reader makes of its folder. */
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadDataset } from 'onestroke'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { pathOf } from './testing.js'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onestroke-emoji-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Pictures of the nine flags that are no country's, and small. */
const make = (out: string, ...args: string[]): Promise<{ status: number; said: string }> =>
  new Promise((resolve) => {
    const options = ['--out', join(folder, out), '--size', '32', '--category', 'flags', ...args]
    execFile(process.execPath, [join(pathOf('emoji-256'), 'main.js'), ...options], (error, stdout, stderr) =>
      resolve({ status: error ? Number(error.code) : 0, said: stdout + stderr }),
    )
  })

const filesOf = async (out: string): Promise<Record<string, string>> => {
  const names = (await readdir(join(folder, out))).sort()
  const files = names.map(async (name) => [name, await readFile(join(folder, out, name), 'base64')] as const)
  return Object.fromEntries(await Promise.all(files))
}

const captionsOf = async (out: string) =>
  (await readFile(join(folder, out, 'metadata.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { file_name: string; text: string })

it('makes a folder of captioned pictures, which is read without a remark, and in the same bytes again', async () => {
  const { status, said } = await make('one')
  expect(said).toMatch(/: 25 pictures of 32×32, 9 names\n$/)
  expect(status).toBe(0)
  const lines = await captionsOf('one')
  const dataset = await loadDataset(join(folder, 'one'))
  expect([dataset.count, dataset.width, dataset.height, dataset.channels]).toEqual([25, 32, 32, 3])
  expect(dataset.names).toEqual(
    lines.sort((a, b) => (a.file_name < b.file_name ? -1 : 1)).map(({ text }) => text),
  )
  expect([dataset.namesFrom, dataset.skipped, dataset.warnings]).toEqual(['metadata.jsonl', [], []])
  await make('other')
  expect(await filesOf('other')).toEqual(await filesOf('one'))
})

it('lets one picture of a name say its style, and the others share the name', async () => {
  await make('styles')
  const flags = (await captionsOf('styles')).filter(({ file_name }) => /^(?:black|pirate)-/.test(file_name))
  expect(flags.map(({ file_name, text }) => `${file_name}: ${text}`)).toEqual([
    'black-flag-3d.png: black flag 3d',
    'black-flag-fluent.png: black flag',
    'black-flag-noto.png: black flag',
    'pirate-flag-3d.png: pirate flag 3d',
    'pirate-flag-fluent.png: pirate flag',
    'pirate-flag-noto.png: pirate flag',
  ])
  await make('styles', '--styled', 'all')
  for (const { file_name, text } of await captionsOf('styles'))
    expect(`${text.replaceAll(' ', '-')}.png`).toBe(file_name)
})

it('lays pictures on white', async () => {
  await make('white')
  const { files, pixels, at } = await readBack('white')
  for (const style of ['3d', 'fluent', 'noto']) {
    const picture = files.indexOf(`triangular-flag-${style}.png`)
    expect([at(picture, 0), at(picture, 31), at(picture, 32 * 31), at(picture, 32 * 32 - 1)]).toEqual(
      Array(4).fill([255, 255, 255]),
    )
    const own = pixels.subarray(picture * 3 * 1024, (picture + 1) * 3 * 1024)
    expect(own.some((value) => value < 100)).toBe(true)
  }
})

const readBack = async (out: string) => {
  const files = (await captionsOf(out)).map(({ file_name }) => file_name).sort()
  const { pixels } = await loadDataset(join(folder, out))
  const at = (picture: number, pixel: number) =>
    [0, 1, 2].map((c) => pixels[(3 * picture + c) * 1024 + pixel])
  return { files, pixels, at }
}

it('replaces what it made, and touches nothing else', async () => {
  await make('again')
  await make('again', '--styles', 'noto')
  const names = Object.keys(await filesOf('again'))
  expect(names.filter((name) => name.endsWith('.png'))).toHaveLength(9)
  expect(names.filter((name) => name.endsWith('-3d.png'))).toEqual([])
  await writeFile(join(folder, 'letter.txt'), 'mine')
  const { status, said } = await make('.')
  expect([status, said]).toEqual([2, expect.stringMatching(/is not empty, and was not made by this script/)])
})

it('says what is wrong with what it is asked for', async () => {
  expect(await make('none', '--category', 'Cars')).toEqual({
    status: 2,
    said: expect.stringMatching(/^error: there is no category "Cars"; there are Activities, /),
  })
  expect((await make('none', '--size', '3')).said).toBe(
    'error: --size is a whole number from 16 to 1024, not "3"\n',
  )
  expect((await make('none', '--styles', 'oil')).said).toBe(
    'error: --styles are some of 3d,fluent,noto, not "oil"\n',
  )
  expect((await make('none', '--colour')).said).toMatch(/^error: Unknown option '--colour'/)
  expect(await readdir(folder)).not.toContain('none')
})
