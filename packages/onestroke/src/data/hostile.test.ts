import { describe, expect, it, vi } from 'vitest'
import { Drawers } from './drawing.js'
import { loadDataset } from './load.js'
import { claiming, complaint, ENDLESS, folderOf, noise, png, RED } from './testing.js'

/** What is said of a picture that ends before its time. */
const CUT = 'cut short, or no picture'
describe('pictures that do not fit', () => {
  it('are named, with what would help', async () => {
    const directory = await folderOf({
      'a.png': await png(RED, 8),
      'b.png': await png(RED, 8),
      'c.png': await png(RED, 4),
    })
    const error = await complaint(loadDataset(directory))
    expect(error.message).toBe('the pictures differ in size: a.png is 8×8, c.png is 4×4')
    expect(error.remedy).toContain('`resolution` 32')
  })

  it('are refused before they fill the memory', async () => {
    const directory = await folderOf({ 'a.png': await png(RED, 8), 'b.png': await png(RED, 8) })
    const load = loadDataset('idx:x', { resolution: 4097 })
    expect((await complaint(load)).message).toMatch(/^`resolution`: sides are whole numbers from 1 to 4096/)
    const files = Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`${i}.png`, '']))
    const many = await complaint(loadDataset(await folderOf(files), { resolution: 4096 }))
    expect(many.message).toMatch(
      / is too large to hold in memory: 257 × 1 × 4096 × 4096 bytes are 4\.02 GiB, at most 4 GiB$/,
    )
    expect(await loadDataset(directory)).toMatchObject({ count: 2 })
  })
})

describe('hostile pictures', () => {
  it('are skipped, with a reason', async () => {
    const [whole, photo] = [await noise(32).png().toBuffer(), await noise(32).jpeg().toBuffer()]
    const directory = await folderOf({
      'good.png': whole,
      'empty.png': '',
      'half.png': whole.subarray(0, whole.length / 2),
      'half.jpg': photo.subarray(0, photo.length / 2),
      'half.webp': (await noise(32).webp().toBuffer()).subarray(0, 400),
      'text.png': 'This is no picture.',
      'header.png': whole.subarray(0, 20),
      'large.png': await claiming(20_000),
      'large.svg': '<svg xmlns="http://www.w3.org/2000/svg" width="20000" height="20000"/>',
      'bomb.svg': svgBomb(),
    })
    const { count, skipped } = await loadDataset(directory, { resolution: 8 })
    expect(count).toBe(1)
    const reasons = Object.fromEntries(skipped.map(({ file, reason }) => [file, reason]))
    expect(Object.keys(reasons)).toEqual([
      'bomb.svg',
      'empty.png',
      'half.jpg',
      'half.png',
      'half.webp',
      'header.png',
      'large.png',
      'large.svg',
      'text.png',
    ])
    expect(reasons).toMatchObject({
      'empty.png': 'empty file',
      'text.png': 'not a picture',
      'half.jpg': CUT,
      'half.png': CUT,
      'half.webp': CUT,
      'header.png': CUT,
      'large.png': 'more than 100 megapixels',
      'large.svg': 'more than 100 megapixels',
    })
    for (const reason of Object.values(reasons)) expect(reason).toMatch(/^[^\n]{4,120}$/)
  })

  it('that take for ever to draw are skipped after their time, with a reason', async () => {
    const directory = await folderOf({ 'a.png': await png(RED, 8), 'b.svg': ENDLESS })
    const { draw } = Drawers.prototype
    const hasty = new Drawers(0.5)
    const drawing = vi.spyOn(Drawers.prototype, 'draw').mockImplementation((...all) => draw.apply(hasty, all))
    try {
      const { count, skipped } = await loadDataset(directory, { resolution: 8 })
      expect(count).toBe(1)
      expect(skipped).toEqual([{ file: 'b.svg', reason: 'takes more than 0.5 seconds to read' }])
    } finally {
      drawing.mockRestore()
    }
  })

  it('are an error if there are no others', async () => {
    const directory = await folderOf({ 'a.png': 'nonsense', 'b.png': '' })
    expect((await complaint(loadDataset(directory))).message).toBe(
      `no readable pictures in ${directory}: 2 skipped, the first a.png (not a picture)`,
    )
    const empty = await folderOf({ 'notes.md': '' })
    expect((await complaint(loadDataset(empty))).message).toBe(`no pictures in ${empty}`)
  })
})

/** Entities within entities: a billion laughs. */
const svgBomb = (): string => {
  const entities = Array.from({ length: 12 }, (_, i) => `<!ENTITY e${i + 1} "${`&e${i};`.repeat(10)}">`).join(
    '',
  )
  return `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY e0 "ha">${entities}]><svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><text>&e12;</text></svg>`
}
