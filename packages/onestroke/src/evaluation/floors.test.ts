import { describe, expect, it } from 'vitest'
import type { Dataset } from '../data/index.js'
import { Reference } from './feature-space.js'
import { floorOf, replayOf } from './floors.js'
import { Judge } from './judge.js'
import { gradedBy } from './real-pictures.js'
import { noisePictures, plainSpace } from './testing.js'

const CHANNELS = { channels: 1 }
const space = plainSpace(16)
const names = (count: number, each: number) =>
  Array.from({ length: count }, (_, i) => `name ${Math.floor(i / each)}`)

const floorsOf = async (dataset: Dataset, seeds = [0, 1]) => {
  const reference = gradedBy(dataset)
  const judge = await Judge.of(space, dataset, { samples: dataset.count, seed: 0, reference })
  const one = await Reference.of(space, reference)
  return {
    floor: await floorOf([one], dataset, reference, judge, seeds),
    replay: replayOf(one, dataset, reference, judge),
  }
}

describe('the floor', () => {
  it('is of the same name where most pictures share theirs', async () => {
    const { floor } = await floorsOf(noisePictures(60, 4, { ...CHANNELS, names: names(60, 2) }))
    const { fid, kid } = floor.judges.plain!
    expect(floor).toMatchObject({ kind: 'same-name', fid: fid.mean, kid: kid.mean })
    expect(fid.values).toHaveLength(2)
    expect(fid.values[0]).not.toBe(fid.values[1])
    expect(fid.mean).toBeGreaterThan(0)
  })

  it('is of any pictures where names are not shared, and where there are none', async () => {
    const { floor } = await floorsOf(noisePictures(60, 4, { ...CHANNELS, names: names(60, 1) }))
    expect(floor.kind).toBe('resample')
    expect(floor.fid).toBeGreaterThan(0)
    expect((await floorsOf(noisePictures(60, 4, CHANNELS))).floor).toEqual(floor)
  })

  it('is against the test split where that is large enough to compare with', async () => {
    const test = noisePictures(1000, 4, { ...CHANNELS, index: 1 })
    const { floor, replay } = await floorsOf(noisePictures(300, 4, { ...CHANNELS, test }))
    expect(floor.kind).toBe('test')
    expect(floor.fid).toBeGreaterThan(0)
    expect(replay).toBeNull()
    const few = noisePictures(999, 4, { ...CHANNELS, index: 1 })
    expect((await floorsOf(noisePictures(300, 4, { ...CHANNELS, test: few }))).floor.kind).toBe('resample')
  })

  it('does not exist for three pictures', async () => {
    const { floor, replay } = await floorsOf(noisePictures(3, 4, CHANNELS))
    expect(floor).toEqual({ kind: 'resample', fid: null, kid: null, judges: {} })
    expect(replay).toBeNull()
  })
})

describe('replay', () => {
  it('is a kernel distance below 0, with its deviation, and of no noise seed', async () => {
    const data = noisePictures(200, 4, CHANNELS)
    const { replay } = await floorsOf(data)
    expect(replay!.mean).toBeLessThan(0)
    expect(replay!.sd).toBeGreaterThan(0)
    expect((await floorsOf(data, [7])).replay).toEqual(replay)
  })
})
