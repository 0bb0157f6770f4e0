/** What the program says to a model folder that is none, or broken. */
import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseSafetensors, serializeSafetensors } from '@onestroke/core/formats'
import { beforeAll, describe, expect, it } from 'vitest'
import { fails, onImages, scratch, succeeds, tiny, UNMEASURED, writeFiles, writePictures } from './testing.js'

const { folder, at } = await scratch()
const [pictures, teacher, student] = [at('pictures'), at('teacher'), at('student')]

beforeAll(async () => {
  await writePictures(pictures, { count: 9 })
  await succeeds(['train', pictures, '--out', teacher, ...tiny(16)])
  await succeeds(['distill', teacher, pictures, '--out', student, ...UNMEASURED, ...onImages(16)])
})

describe('a student', () => {
  const distill = (out: string, ...more: string[]) => [
    'distill',
    teacher,
    pictures,
    '--out',
    at(out),
    ...UNMEASURED,
    ...onImages(48, 4),
    ...more,
  ]
  const HINT =
    'dmd is for students that can paint already; begin with a student of this teacher (--init-from STUDENT)'

  it('is refined by distribution matching, and what is none is told of it', async () => {
    const { stderr } = await succeeds(distill('sharp', '--method', 'dmd', '--init-from', student))
    expect(stderr).not.toContain(HINT)
    const { method, provenance, kind } = JSON.parse(await readFile(at('sharp/config.json'), 'utf8'))
    expect({ kind, name: method.name }).toEqual({ kind: 'student', name: 'dmd' })
    expect(provenance.init_from).toMatch(/^[0-9a-f]{64}$/)
    expect(await readFile(at('sharp/model.safetensors'))).not.toEqual(
      await readFile(join(student, 'model.safetensors')),
    )
    expect((await succeeds(distill('blunt', '--method', 'dmd'))).stderr).toContain(`${HINT}\n`)
  })
})

/** A copy of the teacher with something wrong. */
const broken = async (name: string, change: (path: string) => Promise<void>): Promise<string> => {
  await cp(teacher, at(name), { recursive: true })
  await change(at(name))
  return at(name)
}
const changeConfig = (change: (json: Record<string, never>) => void) => async (path: string) => {
  const json = JSON.parse(await readFile(join(path, 'config.json'), 'utf8'))
  change(json)
  await writeFile(join(path, 'config.json'), JSON.stringify(json))
}
const changeWeights = (change: (bytes: Uint8Array) => Uint8Array) => async (path: string) => {
  const file = join(path, 'model.safetensors')
  await writeFile(file, change(await readFile(file)))
}

describe('a broken model', () => {
  const cases: [what: string, change: (path: string) => Promise<void>, line: RegExp][] = [
    [
      'a NaN among the weights',
      changeWeights((bytes) => {
        const { tensors, metadata } = parseSafetensors(bytes)
        const { bytes: values } = tensors.get('output.bias')!
        new DataView(values.buffer, values.byteOffset).setUint32(4, 0x7fc00000, true)
        return serializeSafetensors(tensors, metadata)
      }),
      /model\.safetensors: the weight output\.bias holds NaN at position 1$/,
    ],
    [
      'weights of which one bit is wrong',
      changeWeights((bytes) => bytes.with(bytes.length - 10, bytes.at(-10)! ^ 1)),
      /model\.safetensors is damaged, or of another model: its hash is not that in config\.json; copy the model again/,
    ],
    [
      'weights that are cut short',
      changeWeights((bytes) => bytes.subarray(0, -1)),
      /model\.safetensors: .*; The file was cut short/,
    ],
    ['weights that are none', changeWeights(() => Buffer.from('PK not these')), /model\.safetensors: header/],
    [
      'a config that is not JSON',
      (path) => writeFile(join(path, 'config.json'), '{"format":'),
      /config\.json is not JSON: /,
    ],
    [
      'a config of something else',
      (path) => writeFile(join(path, 'config.json'), '{"model_type": "bert"}'),
      /config\.json is not a onestroke model config: /,
    ],
    [
      'a key that is unknown',
      changeConfig((json) => Object.assign(json, { dropout: 0.1 })),
      /config\.json is not a onestroke model config: Unrecognized key: "dropout"$/,
    ],
    [
      'a config that does not fit the weights',
      changeConfig((json) => Object.assign(json.network!, { mlp_ratio: 3 })),
      /model\.safetensors: the weight .* has shape \[.+\], but config\.json asks for \[.+\]$/,
    ],
    [
      'a network that cannot be',
      changeConfig((json) => Object.assign(json.network!, { resolution: 9 })),
      /config\.json: the network cannot be built: /,
    ],
  ]

  it.concurrent.each(cases)('%s', async (what, change, line) => {
    const path = await broken(what.replaceAll(' ', '-'), change)
    expect(await fails(['sample', path, '--out', at('x.png')], 1)).toMatch(line)
    expect(await fails(['info', path], 1)).toMatch(line)
    expect(await readdir(folder)).not.toContain('x.png')
  })
})

describe('a model that paints what is no picture', () => {
  it('is told of, and nothing is written', async () => {
    const path = await broken('boundless', async (path) => {
      await changeConfig((json) => Reflect.deleteProperty(json, 'weights_sha256'))(path)
      await changeWeights((bytes) => {
        const { tensors, metadata } = parseSafetensors(bytes)
        const { bytes: values } = tensors.get('output.bias')!
        new DataView(values.buffer, values.byteOffset).setFloat32(4, 3e38, true)
        return serializeSafetensors(tensors, metadata)
      })(path)
    })
    expect(await fails(['sample', path, '--out', at('x.png')], 1)).toMatch(
      /^the model painted values that are not finite, which is no picture; copy or export the model again/,
    )
    expect(await readdir(folder)).not.toContain('x.png')
  })
})

describe('a model that is not there', () => {
  it('is missed by every command that needs one, with what one looks like', async () => {
    const gone = at('gone')
    for (const args of [
      ['sample', gone, '--out', at('x.png')],
      ['edit', gone, at('x.png'), '--out', at('y.png')],
      ['evaluate', gone, '--data', pictures],
      ['evaluate', student, '--data', pictures, '--teacher', gone],
      ['distill', gone, pictures, '--out', at('out')],
    ])
      expect(await fails(args, 2)).toBe(
        `there is no ${gone}; a model is a folder with config.json and model.safetensors, as train and distill make it`,
      )
    expect(await fails(['info', gone], 2)).toMatch(/^there is no .*gone; /)
    expect(await fails(['sample', pictures, '--out', at('x.png')], 1)).toMatch(
      /^there is no config\.json in .*pictures; /,
    )
    await writeFiles(at('begun'), { 'run.json': await readFile(join(teacher, 'run.json')) })
    expect(await fails(['sample', at('begun'), '--out', at('x.png')], 1)).toMatch(
      /^the run in .*begun is not finished/,
    )
  })
})

describe('a model of the wrong kind', () => {
  it('is a student where a teacher is needed', async () => {
    const sample = ['sample', student, '--out', at('x.png')]
    expect(await fails([...sample, '--sigmas', '20,30'], 2)).toMatch(
      /^noise levels must fall, between 20 and 0\.01: /,
    )
    expect(await fails([...sample, '--sigmas', '500'], 2)).toMatch(/: 500 do not \(500\)$/)
    expect(await fails([...sample, '--guidance-scale', '3'], 2)).toMatch(
      /^this student has no guidance input/,
    )
    expect(await fails(['distill', student, pictures, '--out', at('out')], 2)).toMatch(
      /student is a student; distilling needs a diffusion model, as train makes$/,
    )
    expect(await fails(['evaluate', student, '--data', pictures, '--teacher', student], 2)).toMatch(
      /is a student/,
    )
    expect(await fails(['sample', student, '--out', at('x.png'), '--solver', 'heun'], 2)).toMatch(
      /this model is a consistency student/,
    )
    expect(await readdir(folder)).not.toContain('out')
  })
})

describe('a place for samples', () => {
  it('must be one', async () => {
    const sample = (out: string) => ['sample', teacher, '--out', out]
    expect(await fails(sample(at('no/where/x.png')), 1)).toMatch(
      /^cannot write .*x\.png: there is no folder .*no\/where; make it/,
    )
    expect(await fails(sample(folder), 1)).toMatch(
      /^cannot write .*: it is a folder; --out is the picture to write$/,
    )
    expect(await fails(sample(join(teacher, 'config.json', 'x.png')), 1)).toMatch(/there is no folder/)
    expect(await readdir(folder)).not.toContain('no')
  })
})
