/** The whole path, from a folder of pictures with captions to a student and its report, as a user would go. */
import { existsSync } from 'node:fs'
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { GONE, lockWith } from '../../packages/onestroke/src/training/testing.js'
import { onImages, type Result, scratch, succeeds, tiny, UNCHECKED, writePictures } from './testing.js'

const { folder } = await scratch()
const inside = { cwd: folder }
const DISTILL = [
  'distill',
  'teacher',
  'pictures',
  '--out',
  'student',
  ...onImages(160),
  '--samples',
  '64',
  ...UNCHECKED,
  '--json',
]

/** The one JSON document on standard output. */
const document = ({ stdout }: Result) => {
  expect(stdout.endsWith('\n')).toBe(true)
  return JSON.parse(stdout)
}
/** What is said in a pipe: lines, without the control characters of bars. */
const expectLines = ({ stderr }: Result) => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f█░]/)
  expect(stderr.split('\n').length).toBeLessThan(40)
}

let [trained, distilled]: [Result, Result] = [] as never

beforeAll(async () => {
  await writePictures(join(folder, 'pictures'), { count: 36, say: 'captions' })
  trained = await succeeds(['train', 'pictures', '--out', 'teacher', ...tiny(320), '--json'], inside)
  distilled = await succeeds(DISTILL, inside)
})

const EVALUATION = [
  'data',
  'features',
  'floor',
  'judges',
  'model',
  'noise_seeds',
  'real',
  'replay',
  'rows',
  'samples',
  'seed',
  'student_is_student',
  'teacher_sought',
]
const ROW = [
  'between',
  'copies',
  'deviation',
  'diversity',
  'edge_energy',
  'fid',
  'judges',
  'kid',
  'nfe',
  'precision',
  'prompt_top1',
  'prompt_top5',
  'recall',
  'seams',
  'seconds_per_image',
  'solver',
  'steps',
  'teacher_distance',
  'who',
]
const JUDGES = ['own', 'random-conv', 'pixels']
const keysOf = (value: object) => Object.keys(value).sort()
const HASH = /^[0-9a-f]{64}$/

const expectEvaluation = (evaluation: Record<string, never>) => {
  expect(keysOf(evaluation)).toEqual(EVALUATION)
  const { model, data, features, floor, judges, real, replay, noise_seeds, rows } = evaluation as Record<
    string,
    never
  > & { rows: Record<string, object>[]; judges: { name: string }[]; floor: { judges: object } }
  expect(keysOf(model!)).toEqual(['kind', 'parameters', 'path', 'sha256'])
  expect(keysOf(data!)).toEqual(['compared', 'images', 'name'])
  expect(keysOf(features!)).toEqual(['dims', 'name', 'sha256'])
  expect(keysOf(floor)).toEqual(['fid', 'judges', 'kid', 'kind'])
  expect(Object.keys(floor.judges)).toEqual(JUDGES)
  expect(judges.map(({ name }) => name)).toEqual(JUDGES)
  for (const judge of judges) expect(keysOf(judge)).toEqual(['about', 'dims', 'name', 'sha256', 'took_part'])
  expect(keysOf(real!)).toEqual(['diversity', 'seams'])
  expect(keysOf(replay!)).toEqual(['mean', 'sd'])
  expect(noise_seeds).toEqual([0, 1, 2, 3])
  for (const row of rows) {
    expect(keysOf(row)).toEqual(ROW)
    expect(Object.keys(row.judges!)).toEqual(JUDGES)
    for (const { fid, kid } of Object.values(row.judges!) as Record<string, { values: number[] }>[])
      for (const series of [fid!, kid!]) {
        expect(keysOf(series)).toEqual(['mean', 'sd', 'values'])
        expect(series.values).toHaveLength(4)
      }
  }
}

describe('train', () => {
  it('prints one document, and lines beside it', () => {
    expect(document(trained)).toEqual({
      status: 'done',
      out: 'teacher',
      kind: 'teacher',
      images_seen: 320,
      skipped_steps: 0,
      sha256: expect.stringMatching(HASH),
      seconds: expect.any(Number),
      loss: expect.any(Number),
    })
    expectLines(trained)
    expect(trained.stderr).toMatch(
      /^training: 320\/320 images · .+ · 0s left · loss [\d.]+\ntrained: teacher\n$/m,
    )
  })

  it('makes a student without a teacher, at the method’s rate, measured on the way and with its noise levels searched', async () => {
    const run = [
      'train',
      'pictures',
      '--out',
      'taught-by-data',
      ...tiny(160),
      '--method',
      'ect',
      '--checks',
      '2',
    ]
    const result = await succeeds([...run, '--json'], inside)
    expect(document(result)).toMatchObject({ status: 'done', kind: 'student' })
    const read = async (name: string) =>
      JSON.parse(await readFile(join(folder, 'taught-by-data', name), 'utf8'))
    expect((await read('run.json')).schedule.learning_rate).toBe(2e-4)
    const { checks } = await read('progress.json')
    expect(checks).toMatchObject([
      { images: 80, teacher_distance: null },
      { images: 160, teacher_distance: null },
    ])
    const { sigmas } = (await read('config.json')).sampling
    for (const steps of ['2', '3', '4']) {
      // Levels are by rule where none are better beyond the noise.
      const [, by] = new RegExp(`^${steps} steps: noise levels (by rule|[\\d., ]+, FID)`, 'm').exec(
        result.stderr,
      )!
      if (by === 'by rule') expect(sigmas).not.toHaveProperty(steps)
      else expect(sigmas[steps]).toHaveLength(Number(steps))
    }
  })
})

describe('distill', () => {
  it('prints one document, with the evaluation of its report', async () => {
    const json = document(distilled)
    expect(json).toMatchObject({ status: 'done', out: 'student', kind: 'student', images_seen: 160 })
    expect(keysOf(json)).toEqual([
      'evaluation',
      'images_seen',
      'kind',
      'loss',
      'out',
      'report',
      'seconds',
      'sha256',
      'skipped_steps',
      'status',
    ])
    expectEvaluation(json.evaluation)
    expect(json.evaluation.student_is_student).toBe(true)
    expectLines(distilled)
    expect(distilled.stderr.split('\n')[0]).toBe('36 pictures, captions (from .txt files)')
  })

  it('leaves a model folder with its report, and nothing of the run’s state', async () => {
    const names = await readdir(join(folder, 'student'))
    for (const name of [
      'config.json',
      'model.safetensors',
      'report.html',
      'report.json',
      'run.json',
      'progress.json',
    ])
      expect(names).toContain(name)
    for (const name of names) expect(name).toMatch(/^samples$|^[\w-]+\.(json|safetensors|html|png)$/)
    expect(names.filter((name) => name.startsWith('state'))).toEqual([])
    const read = (name: string) => readFile(join(folder, 'student', name), 'utf8')
    const [report, config] = [JSON.parse(await read('report.json')), JSON.parse(await read('config.json'))]
    expect(report.evaluation).toEqual(document(distilled).evaluation)
    expect(report.commands).toEqual([`onestroke ${DISTILL.join(' ')}`])
    expect(report.loss[0].points.at(-1).images).toBe(160)
    expect(config.provenance.parent).toBe(document(trained).sha256)
    const page = await read('report.html')
    expect(page).toMatch(/^<!doctype html>/i)
    expect(page).not.toMatch(/<(?:img|script|link)[^>]+(?:src|href)="(?!data:)/)
  })

  it('says it is finished when asked again, and makes a report that is missing', async () => {
    const html = join(folder, 'student', 'report.html')
    const model = join(folder, 'student', 'model.safetensors')
    const [before, weights] = [await stat(html), await readFile(model)]
    const again = await succeeds(DISTILL, inside)
    expect(again.stderr).toBe('the run in student is finished; nothing was changed (--force starts over)\n')
    expect(document(again)).toEqual({ ...document(distilled), status: 'finished' })
    expect((await stat(html)).mtimeMs).toBe(before.mtimeMs)

    // As if whoever made it had been killed.
    await rm(html)
    await lockWith(join(folder, 'student'), { pid: GONE })
    const mended = await succeeds(DISTILL, inside)
    expect(mended.stderr).toMatch(/^the run in student is finished; only its report is missing/)
    expect(keysOf(document(mended))).toEqual(keysOf(document(distilled)))
    expect(existsSync(html)).toBe(true)
    expect(existsSync(join(folder, 'student', '.lock'))).toBe(false)
    expect(JSON.parse(await readFile(html.replace('.html', '.json'), 'utf8')).loss[0].points).toHaveLength(1)
    expect(await readFile(model)).toEqual(weights)
  })
})

describe('sample', () => {
  it('paints what it is told to, the same for the same seed', async () => {
    const sample = (out: string, ...more: string[]) => ['sample', 'student', '--out', out, '--json', ...more]
    const one = await succeeds(sample('one.png', '-n', '1', '--prompt', 'red disc', '--scale', '4'), inside)
    expect(document(one)).toEqual({
      out: 'one.png',
      pictures: 1,
      solver: 'consistency',
      steps: 1,
      guidance_scale: 1,
      seed: 0,
      seconds: expect.any(Number),
      warnings: [],
    })
    expect(one.stderr).toBe('')
    expect(await sharp(join(folder, 'one.png')).metadata()).toMatchObject({
      format: 'png',
      width: 32,
      height: 32,
    })
    const six = [
      '-n',
      '6',
      '--columns',
      '3',
      '--steps',
      '2',
      '--prompt',
      'red disc',
      '--prompt',
      'blue cross',
    ]
    await succeeds(sample('grid.png', ...six), inside)
    await succeeds(sample('same.png', ...six), inside)
    await succeeds(sample('other.png', ...six, '--seed', '1'), inside)
    const [grid, same, other] = await Promise.all(
      ['grid', 'same', 'other'].map((name) => readFile(join(folder, `${name}.png`))),
    )
    expect(same).toEqual(grid)
    expect(other).not.toEqual(grid)
  })

  it('guides a teacher, with any solver', async () => {
    const args = ['sample', 'teacher', '--out', 'guided.png', '-n', '2', '--prompt', 'red disc', '--json']
    const guided = await succeeds(
      [
        ...args,
        '--guidance-scale',
        '2',
        '--negative-prompt',
        'cross',
        '--solver',
        'dpmpp_2m',
        '--steps',
        '4',
      ],
      inside,
    )
    expect(document(guided)).toMatchObject({ solver: 'dpmpp_2m', steps: 4, guidance_scale: 2 })
  })
})

describe('evaluate', () => {
  const evaluate = (...more: string[]) => [
    'evaluate',
    ...more,
    '--data',
    'pictures',
    '--samples',
    '64',
    '--steps',
    '1,2',
  ]

  it('prints one document, with exactly the keys it is known by', async () => {
    const result = await succeeds([...evaluate('student', '--teacher', 'teacher'), '--json'], inside)
    const evaluation = document(result)
    expectEvaluation(evaluation)
    expect(evaluation).toMatchObject({
      model: { path: 'student', sha256: document(distilled).sha256, kind: 'student' },
      data: { name: 'pictures', images: 36 },
      samples: 64,
      seed: 0,
      student_is_student: true,
      teacher_sought: true,
    })
    const rows: { who: string; solver: string; steps: number }[] = evaluation.rows
    const found = rows.map(({ who, solver, steps }) => `${who} ${solver} ${steps}`)
    for (const row of ['student consistency 1', 'student consistency 2', 'teacher ddim 1', 'teacher ddim 2'])
      expect(found).toContain(row)
    expect(found.some((row) => /^teacher (heun|dpmpp_2m) \d+$/.test(row))).toBe(true)
    expectLines(result)
  })

  it('measures a teacher alone, and shows a table', async () => {
    const { stdout } = await succeeds(evaluate('teacher'), inside)
    expect(stdout).toMatch(/^who +solver +steps +nfe +own features\*.* +random-conv.* +pixels.* +ms\/image$/m)
    expect(stdout).toMatch(/^teacher +ddim +1 +1 +[\d.]+ ± [\d.]+ /m)
    expect(stdout).toMatch(/^real +(same-name|resample) /m)
    // A line for each column.
    for (const column of ['random-conv', 'ms/image', 'recall', 'diversity', 'seams'])
      expect(stdout).toMatch(new RegExp(`^  ${column}.*: .*(lower|higher|nearer)`, 'm'))
    expect(stdout).not.toMatch(/NaN|undefined/)
  })

  it('compares a student with its teacher at equal noise', async () => {
    const more = ['student', '--teacher', 'teacher', '--seed', '3', '--noise-seeds', '2']
    const { stdout } = await succeeds(evaluate(...more), inside)
    expect(stdout).toMatch(/^student +consistency +2 +2 +[\d.]+ ± [\d.]+ +[\d.]+ ± [\d.]+ +[\d.]+ ± [\d.]+$/m)
    expect(stdout).toMatch(
      /^student \/ teacher: fid as a multiple of the teacher’s at its best \(\d+ .+ steps?/m,
    )
    expect(stdout).toMatch(/means over 2 noise seeds/)
  })
})

describe('info', () => {
  it('tells of models and of data', async () => {
    const student = document(await succeeds(['info', 'student', '--json'], inside))
    expect(student).toMatchObject({
      path: 'student',
      kind: 'student',
      resolution: 8,
      channels: 3,
      images_seen: 160,
      sha256: document(distilled).sha256,
      parent: document(trained).sha256,
    })
    const data = document(await succeeds(['info', 'pictures', '--json'], inside))
    expect(data).toMatchObject({ kind: 'data', pictures: 36, channels: 3, height: 8, width: 8, skipped: [] })
    const { stdout } = await succeeds(['info', 'teacher'], inside)
    expect(stdout).toMatch(/^kind +teacher$/m)
    expect(stdout).toMatch(/^network +hourglass \(.+\), preset tiny$/m)
    // What new teachers paint with.
    expect(stdout).toMatch(/^sampling +\{"solver":"dpmpp_2m","schedule":"karras","num_inference_steps":12,/m)
  })
})
