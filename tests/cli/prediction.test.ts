/** A network that predicts the picture itself, from training to export. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { fails, onImages, scratch, succeeds, tiny, UNMEASURED, writePictures } from './testing.js'

const { at } = await scratch()
const [pictures, teacher, student, half] = [at('pictures'), at('teacher'), at('student'), at('half')]
const TRAIN = ['train', pictures, '--out', teacher, '--prediction', 'x0', ...tiny(16)]
const distill = (out: string, ...more: string[]) => [
  'distill',
  teacher,
  pictures,
  '--out',
  out,
  ...UNMEASURED,
  ...onImages(8, 4),
  ...more,
]
const configOf = async (path: string) => JSON.parse(await readFile(join(path, 'config.json'), 'utf8'))
const reading = { prediction: 'x0', path: { kind: 've' } }

beforeAll(async () => {
  await writePictures(pictures, { count: 9 })
  await succeeds(TRAIN)
  await succeeds(distill(student))
})

describe('train --prediction', () => {
  it('is kept in the model and in the run, which goes on with the same command alone', async () => {
    const config = await configOf(teacher)
    expect(config).toMatchObject({ ...reading, boundary: false })
    expect(config).not.toHaveProperty('parametrization')
    expect((await succeeds(TRAIN)).stderr).toContain('is finished')
    expect(await fails(['train', pictures, '--out', teacher, ...tiny(16)], 2)).toMatch(
      /prediction was "x0" and is now not there/,
    )
  })

  it('of what is usual is not told', async () => {
    const out = at('usual')
    await succeeds(['train', pictures, '--out', out, '--prediction', 'edm', ...tiny(8)])
    expect(await configOf(out)).toMatchObject({ parametrization: 'edm' })
    expect(JSON.parse(await readFile(join(out, 'run.json'), 'utf8'))).not.toHaveProperty('prediction')
  })

  it('has choices, and is of new networks', async () => {
    expect(await fails(['train', pictures, '--out', at('none'), '--prediction', 'w'], 2)).toMatch(
      /Allowed choices are edm, epsilon, v, x0, flow/,
    )
    expect(
      await fails(['train', pictures, '--out', at('none'), '--init-from', teacher, '--prediction', 'x0'], 2),
    ).toBe(
      '--prediction is for a new network, and --init-from brings one with its own; leave one of them out',
    )
    const { stdout } = await succeeds(['train', '--help'])
    expect(stdout.replace(/\s+/g, ' ')).toContain('x0 (the picture itself, which large patches need (JiT))')
  })

  it('goes on with what it was', async () => {
    const out = at('more')
    await succeeds(['train', pictures, '--out', out, '--init-from', teacher, '--batch', '8', '--images', '8'])
    expect(await configOf(out)).toMatchObject({ ...reading, boundary: false })
  })
})

describe('a student', () => {
  it('predicts what its teacher does, with the boundary on top, whatever its size', async () => {
    expect(await configOf(student)).toMatchObject({ ...reading, boundary: true })
    await succeeds(distill(half, '--student', 'half', '--method', 'cd'))
    expect(await configOf(half)).toMatchObject({ ...reading, boundary: true })
    await succeeds(distill(at('fresh'), '--student', 'small', '--method', 'soflow'))
    expect(await configOf(at('fresh'))).toMatchObject({ ...reading, boundary: false })
  })

  it('is told of, judged beside its teacher, painted with and exported', async () => {
    const { stdout: told } = await succeeds(['info', student])
    expect(told).toMatch(/^prediction +x0: the picture itself/m)
    expect(told).toMatch(/^noise_path +ve: variance exploding/m)
    const measure = ['evaluate', student, '--teacher', teacher, '--data', pictures]
    const { stdout } = await succeeds([...measure, '--samples', '64', '--steps', '1', '--json'])
    const { rows } = JSON.parse(stdout)
    for (const who of ['student', 'teacher'])
      expect(rows.some((row: { who: string; fid: number }) => row.who === who && row.fid >= 0)).toBe(true)
    await succeeds(['export', student, '--out', at('web')])
    for (const target of ['fp32', 'fp16'])
      await succeeds(['export', student, '--out', at(target), '--target', 'model', '--dtype', target])
    const { weights_sha256: _, ...exported } = await configOf(at('fp32'))
    const { weights_sha256, ...own } = await configOf(student)
    expect(exported).toEqual(own)
    expect(weights_sha256).toMatch(/^[0-9a-f]{64}$/)
    await succeeds(['sample', at('fp16'), '--out', at('x.png'), '-n', '4', '--steps', '2'])
  })
})
