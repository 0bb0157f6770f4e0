/** `export`: what it writes paints what the model paints, in Node and for any size of batch. */
import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { manifestOf, type StoredManifest } from '@onestroke/core/pipeline'
import { halfOf, ofHalf } from '@onestroke/core/tensor'
import { beforeAll, describe, expect, it } from 'vitest'
import { emptyPipe, hasPipes } from '../../packages/onestroke/src/data/testing.js'
import { loadExport } from '../../packages/onestroke/src/export/index.js'
import { loadModel, Model } from '../../packages/onestroke/src/model/index.js'
import {
  fails,
  onestroke,
  onImages,
  scratch,
  succeeds,
  tiny,
  UNMEASURED,
  writeFiles,
  writePictures,
} from './testing.js'

const { folder, at } = await scratch()
const [pictures, teacher, student] = [at('pictures'), at('teacher'), at('student')]

beforeAll(async () => {
  await writePictures(pictures, { count: 36, say: 'captions' })
  await succeeds(['train', pictures, '--out', teacher, ...tiny(320)])
  await succeeds(['distill', teacher, pictures, '--out', student, ...onImages(80), ...UNMEASURED])
})

const readExport = async (out: string) => {
  const manifest = JSON.parse(await readFile(join(out, 'manifest.json'), 'utf8')) as StoredManifest
  const graph = await readFile(join(out, manifest.graph!.file))
  return { manifest, graph }
}

const PROMPTS = ['red disc', 'blue cross', 'green square']

describe('export', () => {
  it.each([
    ['fp32', 1e-4, 1],
    ['fp16', 1e-2, 0.52],
    ['int8', 1e-1, 0.4],
  ] as const)('in %s paints the model’s pictures, off by less than %f', async (dtype, error, share) => {
    const out = at(`export-${dtype}`)
    const { stderr } = await succeeds(['export', student, '--out', out, '--dtype', dtype, '--license', 'MIT'])
    expect(stderr).toMatch(new RegExp(`^${out}: [\\d.]+ MB in ${dtype}, pictures off by [\\d.]+\\n$`))
    expect((await readdir(out)).sort()).toEqual(['manifest.json', 'model.onnx'])
    const { manifest, graph } = await readExport(out)
    expect(manifest).toMatchObject({
      format: 'onestroke-export/1',
      kind: 'student',
      dtype,
      license: 'MIT',
      graph: {
        file: 'model.onnx',
        bytes: graph.length,
        sha256: createHash('sha256').update(graph).digest('hex'),
        inputs: { x: [null, 3, 8, 8], sigma: [null] },
        outputs: { denoised: [null, 3, 8, 8] },
      },
    })
    expect(graph.length / (4 * manifest.parameters)).toBeLessThan(share + 0.1)
    const [model, exported] = [
      await Model.load(student),
      await loadExport({ denoiser: graph }, manifestOf(manifest)),
    ]
    for (const count of [1, 3]) {
      const options = { prompts: PROMPTS.slice(0, count), seed: 5, num_inference_steps: 2 }
      const [expected, found] = [await model.generate(options), await exported.generate(options)]
      const far = found.data.map((value, i) => Math.abs(value - expected.data[i]!))
      expect(Math.max(...far)).toBeLessThan(error)
    }
    await Promise.all([model.release(), exported.release()])
  })

  it('measures what the rounding costs', async () => {
    const out = at('measured')
    const { stdout } = await succeeds([
      'export',
      student,
      '--out',
      out,
      '--dtype',
      'int8',
      '--json',
      '--data',
      pictures,
      '--teacher',
      teacher,
      '--samples',
      '64',
    ])
    const { quality } = JSON.parse(stdout) as StoredManifest
    expect(quality).toMatchObject({ samples: 64, seed: 0, rows: [{ steps: 1 }, { steps: 2 }, { steps: 4 }] })
    for (const { fid, fid_fp32, teacher_distance, teacher_distance_fp32 } of quality!.rows) {
      expect(Math.abs(Math.log(fid! / fid_fp32!))).toBeLessThan(0.5)
      expect(Math.abs(teacher_distance! - teacher_distance_fp32!)).toBeLessThan(0.05)
    }
    expect((await readExport(out)).manifest.quality).toEqual(quality)
  })

  it('exports teachers too', async () => {
    const out = at('export-teacher')
    await succeeds(['export', teacher, '--out', out])
    const { manifest, graph } = await readExport(out)
    expect(manifest).toMatchObject({ kind: 'teacher', dtype: 'fp16', license: null })
    const exported = await loadExport({ denoiser: graph }, manifestOf(manifest))
    const { count } = await exported.generate({ prompts: PROMPTS, solver: 'heun', num_inference_steps: 3 })
    expect(count).toBe(3)
    await exported.release()
  })

  it('writes a model folder again, in half the bytes', async () => {
    const out = at('again')
    const { stderr } = await succeeds(['export', student, '--out', out, '--target', 'model'])
    expect(stderr).toMatch(new RegExp(`^${out}: [\\d.]+ MB in fp16, pictures off by 0\\.0\\d+\\n$`))
    expect((await readdir(out)).sort()).toEqual(['config.json', 'model.safetensors'])
    const weights = await readFile(join(out, 'model.safetensors'))
    const weights_sha256 = createHash('sha256').update(weights).digest('hex')
    const configOf = async (path: string) => JSON.parse(await readFile(join(path, 'config.json'), 'utf8'))
    expect(await configOf(out)).toEqual({ ...(await configOf(student)), weights_sha256 })
    const [model, again] = [await loadModel(student), await loadModel(out)]
    expect(again.weights).toEqual(model.weights.map((value) => ofHalf(halfOf(value))))
    const [before, after] = await Promise.all(
      [student, out].map((path) => stat(join(path, 'model.safetensors'))),
    )
    expect(after!.size / before!.size).toBeLessThan(0.6)
    await succeeds(['sample', out, '--prompt', 'red disc', '--out', at('again.png')])

    const asked = ['export', student, '--target', 'model', '--out']
    expect(await fails([...asked, out], 2)).toMatch(/again holds a model or a run already/)
    expect(await fails([...asked, student], 2)).toMatch(/student holds a model or a run already/)
    expect(await fails([...asked, at('x'), '--dtype', 'int8'], 2)).toBe(
      'a model folder holds no int8; --dtype fp16, or --target node or web for a graph in int8',
    )
    expect(await fails([...asked, at('x'), '--license', 'MIT'], 2)).toMatch(/^--license is for the manifest/)
    expect(await readdir(folder)).not.toContain('x')
  })

  it('refuses in one line', async () => {
    await writeFiles(folder, { 'a-file': 'x' })
    expect(await fails(['export', at('nowhere'), '--out', at('x')], 2)).toMatch(
      /^there is no .*nowhere; a model is/,
    )
    expect(await fails(['export', student, '--out', at('a-file')], 2)).toMatch(/a-file is a file/)
    expect(await fails(['export', student, '--out', at('x'), '--teacher', teacher], 2)).toBe(
      '--teacher is for measuring, which needs --data',
    )
    expect(await fails(['export', student, '--out', at('x'), '--dtype', 'int4'], 2)).toMatch(
      /Allowed choices/,
    )
    expect(await fails(['export', student, '--out', at('x'), '--data', at('nowhere')], 2)).toMatch(/nowhere/)
    expect(await readdir(folder)).not.toContain('x')
  })
})

describe('an export into what is there', () => {
  it('stands in for no model, and overwrites nobody’s app', async () => {
    const own = await fails(['export', student, '--out', student], 2)
    expect(own).toContain(`${student} holds a model or a run already, whose place an export would take`)
    const app = at('app')
    await writeFiles(app, { 'manifest.json': '{"name":"my app"}', 'index.html': 'mine' })
    for (const target of ['node', 'web']) {
      const stderr = await fails(['export', student, '--out', app, '--target', target], 2)
      expect(stderr).toContain('manifest.json is not of an export, and would be overwritten')
    }
    expect((await readdir(app)).sort()).toEqual(['index.html', 'manifest.json'])
    const other = at('other')
    await writeFiles(other, { 'model.onnx': 'mine' })
    expect(await fails(['export', student, '--out', other], 2)).toContain(
      'model.onnx is not of an export, and would be overwritten',
    )
  })

  it.skipIf(!hasPipes)('waits for no pipe in the place of a manifest', async () => {
    const piped = at('piped')
    await writeFiles(piped, {})
    emptyPipe(piped, 'manifest.json')
    expect(await fails(['export', student, '--out', piped], 1)).toMatch(
      /manifest\.json: it is not a regular file/,
    )
  })

  it('is repeated where it was not finished, and nothing is left of the first', async () => {
    const out = at('stopped')
    const args = ['export', student, '--out', out, '--target', 'web']
    // No file may be so large as onnxruntime's own, as if the disk were full.
    const first = await onestroke(args, { fileKilobytes: 1000 })
    expect([first.status, first.stderr]).toEqual([
      1,
      expect.stringMatching(/^error: cannot write .*: the file/),
    ])
    expect(await readdir(out)).toContain('.unfinished-export')
    expect(await readdir(out)).not.toContain('manifest.json')
    // What a process leaves that is killed.
    await writeFiles(out, { 'model.onnx': 'half', [`.model.onnx.${2 ** 22 + 1}.tmp`]: 'ha' })
    await writeFiles(join(out, 'runtime'), { [`.ort.wasm.${2 ** 22 + 1}.tmp`]: 'ha' })
    await succeeds(args)
    const again = at('not-stopped')
    await succeeds([...args.slice(0, 3), again, '--target', 'web'])
    const all = async (path: string) => (await readdir(path, { recursive: true })).sort()
    expect(await all(out)).toEqual(await all(again))
    expect(await readFile(join(out, 'model.onnx'))).toEqual(await readFile(join(again, 'model.onnx')))
  })

  it('writes to standard output what is asked for there', async () => {
    const { stdout } = await succeeds(['sample', student, '--prompt', 'red disc', '--out', '/dev/stdout'])
    expect(stdout).toContain('PNG')
  })
})
