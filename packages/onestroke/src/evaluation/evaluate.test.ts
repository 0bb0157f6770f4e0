import { readdirSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { loadDataset } from '../data/index.js'
import { BLUE, folderOf, png, RED } from '../data/testing.js'
import { type LoadedModel, loadModel, OpenModels } from '../model/index.js'
import { FEATURE_RECIPE } from './feature-network.js'
import { FeatureExtractor } from './features.js'
import { evaluate, featureModel } from './index.js'

/** The shipped feature networks of 16×16 and 32×32: the larger pictures have the larger one. */
const [SHIPPED, LARGE] = readdirSync('models/features')
  .filter((name) => name.endsWith('.onnx'))
  .map((name) => join('models/features', name))
  .sort((a, b) => statSync(a).size - statSync(b).size) as [string, string]

const load = (name: string, side = 16) => loadModel(`models/emoji-${side}-${name}`)

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

/** A shipped network is kept in the place of one that is trained on these pictures. */
const keep = async ({ sha256 }: { sha256: string }, shipped = SHIPPED) => {
  const cache = await folderOf({
    [`features/${sha256.slice(0, 16)}-${FEATURE_RECIPE}.onnx`]: await readFile(shipped),
  })
  vi.stubEnv('ONESTROKE_CACHE', cache)
}

describe('an evaluation', () => {
  const measured = {
    steps: [1],
    samples: 8,
    seed: 0,
    noise_seeds: 1,
    teacher_settings: [],
    distance_samples: 0,
  }

  it('lets go of its models where it fails, and leaves those that it was given', async () => {
    const { dataset } = await threePictures(16)
    await keep(dataset)
    const released = vi.spyOn(OpenModels.prototype, 'release')
    try {
      const model = await load('student')
      const failing = {
        model,
        dataset,
        ...measured,
        onProgress: () => {
          throw new Error('no further')
        },
      }
      await expect(evaluate(failing)).rejects.toThrow('no further')
      expect(released).toHaveBeenCalledTimes(1)
      const models = new OpenModels()
      await expect(evaluate({ ...failing, models })).rejects.toThrow('no further')
      expect(released).toHaveBeenCalledTimes(1)
      await models.release()
    } finally {
      released.mockRestore()
    }
  })

  it('describes its judges so that each text fits into a sentence', async () => {
    const { dataset } = await threePictures(16)
    await keep(dataset)
    const { judges } = await evaluate({ model: await load('student'), dataset, ...measured })
    expect(judges.map(({ name }) => name)).toEqual(['own', 'random-conv', 'pixels'])
    for (const { about } of judges) expect(about).toMatch(/^[a-z\d]/)
  })

  it('of three pictures has no floor, and without a teacher compares with none', async () => {
    const { dataset } = await threePictures(16)
    await keep(dataset)
    const found = await evaluate({ model: await load('student'), dataset, ...measured })
    const { floor, replay, rows, judges, student_is_student } = found
    expect(floor).toEqual({ kind: 'resample', fid: null, kid: null, judges: {} })
    expect(replay).toBeNull()
    expect(rows).toMatchObject([{ who: 'student', fid: expect.any(Number), teacher_distance: null }])
    expect(rows[0]!.deviation.fid).toBeNull()
    expect([student_is_student, found.teacher_sought]).toEqual([null, null])
    expect(judges.map(({ name, took_part }) => [name, took_part])).toEqual([
      ['own', true],
      ['random-conv', false],
      ['pixels', false],
    ])
    expect(found.features).toMatchObject({ name: 'own', dims: 64 })
  })

  it('is a mean over noise seeds, each of which says the same in every evaluation', async () => {
    const { dataset } = await threePictures(16)
    await keep(dataset)
    const model = await load('student')
    const both = await evaluate({ model, dataset, ...measured, noise_seeds: 2 })
    const second = await evaluate({ model, dataset, ...measured, seed: 1 })
    expect(both.noise_seeds).toEqual([0, 1])
    const [row] = both.rows
    for (const { name } of both.judges) {
      const { fid } = row!.judges[name]!
      expect(fid.values).toHaveLength(2)
      expect(fid.values[1]).toBeCloseTo(second.rows[0]!.judges[name]!.fid.mean, 9)
      expect(fid.mean).toBeCloseTo((fid.values[0]! + fid.values[1]!) / 2, 12)
    }
    expect(row!.fid).toBe(row!.judges.own!.fid.mean)
    expect(row!.deviation.fid).toBe(row!.judges.own!.fid.sd)
    expect(row!.deviation.fid).toBeGreaterThan(0)
    // One prompt is painted with both seeds.
    expect(row!.diversity).toBeGreaterThan(0)
  })

  it('is by the user’s features first', async () => {
    const { dataset } = await threePictures(16)
    await keep(dataset)
    const model = await load('student')
    const { judges, features, rows } = await evaluate({ model, dataset, ...measured, file: SHIPPED })
    const name = basename(SHIPPED)
    expect(judges.map((judge) => judge.name)).toEqual([name, 'own', 'random-conv', 'pixels'])
    expect(judges[0]).toMatchObject({ took_part: false })
    expect(features.name).toBe(name)
    expect(rows[0]!.fid).toBe(rows[0]!.judges[name]!.fid.mean)
  })

  it('chooses among many settings of the teacher, and measures all of a few', async () => {
    const { dataset } = await threePictures(16)
    await keep(dataset)
    const teacher = await load('teacher')
    const settings = [1, 2, 3].map((steps) => ({ solver: 'dpmpp_2m', steps }) as const)
    const rowsOf = async (teacher_settings: typeof settings) => {
      const { rows, teacher_sought } = await evaluate({
        model: teacher,
        dataset,
        ...measured,
        steps: [],
        teacher_settings,
      })
      expect(teacher_sought).toBe(teacher_settings.length > 2)
      return rows.filter(({ solver }) => solver === 'dpmpp_2m').map(({ steps }) => steps)
    }
    expect(await rowsOf(settings.slice(0, 2))).toEqual([1, 2])
    const chosen = await rowsOf(settings)
    expect([1, 2]).toContain(chosen.length)
    expect([1, 2, 3]).toEqual(expect.arrayContaining(chosen))
  })

  it('begins no further noise seed when its time is over', async () => {
    const { dataset } = await threePictures(16)
    await keep(dataset)
    const model = await load('student')
    const evaluation = await evaluate({ model, dataset, ...measured, noise_seeds: 3, seconds: 0 })
    expect(evaluation.noise_seeds).toEqual([measured.seed])
    for (const { deviation, judges, diversity, fid } of evaluation.rows) {
      expect(Object.values(deviation).filter((one) => one !== null)).toEqual([])
      for (const judge of Object.values(judges)) expect(judge.fid.sd).toBeNull()
      expect([fid, diversity].every(Number.isFinite)).toBe(true)
    }
  })

  it('finds out a student that is its teacher', async () => {
    const { dataset } = await threePictures(32)
    await keep(dataset, LARGE)
    const [teacher, student] = [await load('teacher', 32), await load('student', 32)]
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
    // What it sees has unit length.
    const extractor = await FeatureExtractor.open(bytes, 'features')
    const pictures = Float32Array.from({ length: 2 * 3 * 64 }, (_, i) => Math.sin(i))
    const { data, dims } = await extractor.extract(pictures, 2, { channels: 3, height: 8, width: 8 })
    for (const i of [0, 1]) expect(Math.hypot(...data.subarray(i * dims, (i + 1) * dims))).toBeCloseTo(1, 4)
    expect(reasons).toEqual([expect.stringContaining('a.png')])
  })
})
