import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { loadDataset } from '../data/index.js'
import { BLUE, folderOf, png, RED } from '../data/testing.js'
import { type LoadedModel, loadModel } from '../model/index.js'
import { evaluate, featureModel } from './index.js'

const load = (name: string) => loadModel(`models/emoji-32-${name}`)

/** Three pictures with their captions. */
const threePictures = async (side: number) => {
  const files = {
    'a.png': await png(RED, side),
    'b.png': await png(BLUE, side),
    'c.png': await png(RED, side),
  }
  const folder = await folderOf({ ...files, 'a.txt': 'red heart', 'b.txt': 'owl', 'c.txt': 'cat face' })
  return { folder, dataset: await loadDataset(folder) }
}

afterEach(() => vi.unstubAllEnvs())

describe('an evaluation', () => {
  const file = join('models/features', readdirSync('models/features').find((name) => name.endsWith('.onnx'))!)
  const measured = { steps: [1], samples: 8, seed: 0, teacher_settings: [], distance_samples: 0, file }

  it('of three pictures has no floor, and without a teacher compares with none', async () => {
    const { dataset } = await threePictures(32)
    const { floor, rows, student_is_student } = await evaluate({
      model: await load('student'),
      dataset,
      ...measured,
    })
    expect(floor).toEqual({ fid: null, kid: null })
    expect(rows).toMatchObject([{ who: 'student', fid: expect.any(Number), teacher_distance: null }])
    expect(student_is_student).toBeNull()
  })

  it('finds out a student that is its teacher', async () => {
    const { dataset } = await threePictures(32)
    const [teacher, student] = [await load('teacher'), await load('student')]
    const isStudent = async (model: LoadedModel) =>
      (await evaluate({ model, teacher, dataset, ...measured })).student_is_student
    expect(await isStudent(student)).toBe(true)
    // Another file, and the same network.
    expect(await isStudent({ ...student, weights: teacher.weights })).toBe(false)
    expect(await isStudent({ ...student, sha256: teacher.sha256 })).toBe(false)
  })
})

describe('a feature network', () => {
  it('is of use also where it cannot be kept, and says why', async () => {
    const { dataset, folder } = await threePictures(8)
    vi.stubEnv('ONESTROKE_CACHE', join(folder, 'a.png'))
    const reasons: string[] = []
    const { bytes } = await featureModel(dataset, { onUncached: (reason) => reasons.push(reason) })
    expect(bytes.length).toBeGreaterThan(0)
    expect(reasons).toEqual([expect.stringContaining('a.png')])
  })
})
