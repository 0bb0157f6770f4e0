import { describe, expect, it } from 'vitest'
import { Judge } from './judge.js'
import { Likeness } from './likeness.js'
import { judgedBy, picturesOf } from './real-pictures.js'
import { noisePictures, plainSpace } from './testing.js'

/** Twenty pictures, two of each name. */
const dataset = noisePictures(20, 8, {
  names: Array.from({ length: 20 }, (_, i) => `name ${i >> 1}`),
})
const pictures = picturesOf(dataset, judgedBy(dataset))
const size = 3 * 64

const likenessOf = async (samples: number) =>
  new Likeness(dataset, await Judge.of(plainSpace(size), dataset, { samples, seed: 0 }))

describe('likeness', () => {
  it('of training pictures is perfect, and they are copies', async () => {
    expect((await likenessOf(20)).measure(pictures)).toEqual({
      copies: 1,
      between: 0,
      edge_energy: expect.closeTo(1, 12),
      seams: expect.closeTo(1, 12),
    })
  })

  it('of means of two of one name is between them', async () => {
    const means = pictures.map((value, i) => {
      const partner = (Math.floor(i / size) ^ 1) * size + (i % size)
      return (value + pictures[partner]!) / 2
    })
    const { copies, between, edge_energy } = (await likenessOf(20)).measure(means)
    expect([copies, between]).toEqual([0, 1])
    // Independent pixels lose half of their energy.
    expect(edge_energy).toBeCloseTo(0.5, 1)
  })

  it('compares pictures of one prompt across noise seeds', async () => {
    const likeness = await likenessOf(20)
    expect(likeness.varied(2)).toHaveLength(20)
    const one = pictures.slice().fill(0.2)
    const other = pictures.slice().fill(-0.2)
    // Four pictures of a name make six pairs; four of these differ by 0.4 (rounded to saved values).
    expect(likeness.diversity([one, other])).toBeCloseTo((0.4 * 4) / 6, 2)
    expect(likeness.diversity([one])).toBe(0)
  })

  it('knows how varied the real pictures are: drawn twice, half of the time the same one', async () => {
    const { real } = await likenessOf(20)
    // Differences of uniform values in [-1, 1] have a mean square of 2/3.
    expect(real.diversity).toBeCloseTo(Math.sqrt(2 / 3) / 2, 1)
    expect(Object.keys(real.seams)).toEqual(['2', '4'])
  })
})
