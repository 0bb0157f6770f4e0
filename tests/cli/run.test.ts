/** The folder of a run: where it may be, what may be asked of it again, and what is left when something fails. */
import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { lockRun } from '../../packages/onestroke/src/training/index.js'
import { fails, onestroke, scratch, succeeds, tiny, writeFiles, writePictures } from './testing.js'

const { folder, at } = await scratch()
const pictures = at('pictures')
const done = at('done')
const RUN = ['train', pictures, '--out', done, ...tiny(16)]

/** Every file of a folder with its content, but for what tells the time. */
const filesOf = async (path: string): Promise<string[]> =>
  (await readdir(path, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(path, join(parentPath, name)))
    .sort()
const contents = async (path: string): Promise<Record<string, string>> =>
  Object.fromEntries(
    await Promise.all(
      (await filesOf(path)).map(async (name) => [name, await readFile(join(path, name), 'base64')]),
    ),
  )

beforeAll(async () => {
  await writePictures(pictures, { count: 9 })
  await succeeds(RUN)
})

describe('a finished run', () => {
  it('is a model folder with nothing half-written beside', async () => {
    expect(await filesOf(done)).toEqual([
      'config.json',
      'model.safetensors',
      'progress.json',
      'run.json',
      'samples.png',
      'samples/0000000016.png',
    ])
  })

  it('says so when it is asked for again, and stays as it is', async () => {
    const before = await contents(done)
    const { stdout, stderr } = await succeeds(RUN)
    expect(stdout).toBe('')
    expect(stderr).toBe(`the run in ${done} is finished; nothing was changed (--force starts over)\n`)
    expect(await contents(done)).toEqual(before)
    const json = JSON.parse((await succeeds([...RUN, '--json'])).stdout)
    expect(json).toMatchObject({ status: 'finished', out: done, kind: 'teacher', images_seen: 16 })
    expect(await contents(done)).toEqual(before)
  })

  it('is not another one', async () => {
    const before = await contents(done)
    expect(await fails([...RUN, '--seed', '1', '--flip'], 2)).toBe(
      `the run in ${done} was started with other options: seed was 0 and is now 1; flip was false and is now true; give the same options to resume it, another --out, or --force to start over`,
    )
    const distill = ['distill', done, pictures, '--out', done, '--images', '8']
    expect(await fails(distill, 2)).toContain(`--out ${done} is the teacher itself, which would be replaced`)
    expect(await contents(done)).toEqual(before)
  })

  it('starts over by force, and comes to the same end', async () => {
    await cp(done, at('again'), { recursive: true })
    const again = RUN.map((word) => (word === done ? at('again') : word))
    await writeFile(join(at('again'), 'notes.txt'), 'mine')
    await succeeds([...again, '--force', '--seed', '1'])
    const model = () => readFile(join(at('again'), 'model.safetensors'))
    expect(await model()).not.toEqual(await readFile(join(done, 'model.safetensors')))
    await succeeds([...again, '--force'])
    expect(await model()).toEqual(await readFile(join(done, 'model.safetensors')))
    expect(await readFile(join(at('again'), 'notes.txt'), 'utf8')).toBe('mine')
  })
})

describe('a place for a run', () => {
  it('must be one', async () => {
    const train = (out: string) => ['train', pictures, '--out', out, ...tiny(16)]
    const file = join(done, 'config.json')
    expect(await fails(train(file), 2)).toBe(`${file} is a file, where a folder is needed`)
    expect(await fails(train(join(file, 'run')), 1)).toMatch(
      /^cannot make the folder .*: a part of the path is not a folder$/,
    )
    if (existsSync('/proc/self'))
      expect(await fails(train('/proc/onestroke'), 1)).toMatch(/^cannot make the folder \/proc\/onestroke: /)
    expect(await fails(train(join(pictures, 'run')), 2)).toMatch(
      /lies within the data, .*; choose another --out$/,
    )
    expect(await readdir(pictures)).toHaveLength(9)
  })

  it('is neither a teacher nor data, by whatever links it is reached', async () => {
    await cp(done, at('teacher'), { recursive: true })
    await symlink('teacher', at('teacher-link'))
    await symlink('.', at('around'))
    await mkdir(at('parts'))
    for (const name of ['config.json', 'model.safetensors'])
      await symlink(join('..', 'teacher', name), join(at('parts'), name))
    await cp(pictures, at('teacher/samples'), { recursive: true })
    const before = await contents(at('teacher'))
    const [teacher, link, around] = [at('teacher'), at('teacher-link'), at('around/teacher')]
    for (const [model, out] of [
      [link, teacher],
      [teacher, link],
      [teacher, around],
      [at('parts'), teacher],
    ] as const) {
      const distill = ['distill', model, pictures, '--out', out, '--images', '8', '--force']
      expect(await fails(distill, 2)).toBe(
        `--out ${out} is the teacher itself, which would be replaced; choose another --out`,
      )
    }
    const goOn = ['train', pictures, '--init-from', link, '--out', teacher, '--images', '8', '--force']
    expect(await fails(goOn, 2)).toContain(`--out ${teacher} is what it would begin with`)
    for (const [data, out] of [
      [join(link, 'samples'), teacher],
      [join(teacher, 'samples'), around],
    ] as const)
      expect(await fails(['train', data, '--out', out, ...tiny(16), '--force'], 2)).toContain(
        `the data, ${data}, is where the samples of --out ${out} go`,
      )
    expect(await contents(at('teacher'))).toEqual(before)
  })

  it('does not lie within the data, by whatever links, and whatever it is called', async () => {
    await cp(pictures, at('data'), { recursive: true })
    await symlink('data', at('data-link'))
    await mkdir(at('far'))
    await symlink('../far', at('data/near'))
    for (const out of ['data/..run', 'data-link/run', 'far/run'].map((name) => at(name)))
      for (const data of ['data', 'data-link'].map((name) => at(name)))
        expect(await fails(['train', data, '--out', out, ...tiny(16)], 2)).toBe(
          `--out ${out} lies within the data, ${data}: samples would be taken for data; choose another --out`,
        )
    expect(await readdir(at('far'))).toEqual([])
    expect(await readdir(at('data'))).toHaveLength(10)
  })

  it('holds nobody’s own samples, which stay as they are', async () => {
    for (const name of ['samples.png', 'samples/1.png', 'report.html']) {
      const out = at(`own-${basename(name)}`)
      await writeFiles(out, { [name]: 'mine' })
      expect(await fails(['train', pictures, '--out', out, ...tiny(16)], 1)).toBe(
        `${out} already holds ${name.split('/')[0]}, which is not of a run; choose another --out, or --force to replace it`,
      )
      expect(await readFile(join(out, name), 'utf8')).toBe('mine')
    }
    const out = at('own-1.png')
    await writeFiles(out, { 'samples/0000000099.png': 'of a run' })
    await succeeds(['train', pictures, '--out', out, ...tiny(16), '--force'])
    expect((await readdir(join(out, 'samples'))).sort()).toEqual(['0000000016.png', '1.png'])
    expect(await readFile(join(out, 'samples/1.png'), 'utf8')).toBe('mine')
  })

  it('is not shared by two processes', async () => {
    const unlock = await lockRun(at('busy'))
    expect(await fails(['train', pictures, '--out', at('busy'), ...tiny(16)], 1)).toMatch(
      new RegExp(`^process ${process.pid} is working on the run in .*busy, since .*; wait for it, `),
    )
    expect(await readdir(at('busy'))).toEqual(['.lock'])
    await unlock()
  })

  it('is not taken from a model that another command made', async () => {
    await cp(done, at('model'), { recursive: true })
    await rm(join(at('model'), 'run.json'))
    const before = await contents(at('model'))
    expect(await fails(['train', pictures, '--out', at('model'), ...tiny(16)], 1)).toMatch(
      /model already holds a model; /,
    )
    expect(await contents(at('model'))).toEqual(before)
  })
})

describe('a batch that no memory holds', () => {
  it('is one line that names a batch which fits, and nothing is begun', async () => {
    for (const batch of ['10000000', String(Number.MAX_SAFE_INTEGER)]) {
      const line = await fails(
        ['train', pictures, '--out', at('out'), '--preset', 'tiny', '--batch', batch],
        1,
      )
      expect(line).toMatch(
        /^a batch of \d+ needs about \d+ GiB of memory, but only [\d.]+ GiB are free; --batch \d+ fits$/,
      )
    }
    const distill = ['distill', done, pictures, '--out', at('out'), '--batch', '10000000']
    expect(await fails(distill, 1)).toMatch(/; --batch \d+ fits$/)
    expect(await readdir(folder)).not.toContain('out')
  })
})

describe('a training that diverges', () => {
  it('ends with one line, without a model, and can be looked at', async () => {
    const out = at('diverged')
    const args = ['train', pictures, '--out', out, ...tiny(800), '--learning-rate', '1e30']
    const { status, stdout, stderr } = await onestroke([...args, '--checkpoint-every', '0'])
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    // On a busy machine, lines of progress come before it.
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(
      /^error: the training has diverged: .*; start over with --force and a lower --learning-rate; /,
    )
    expect(await readdir(out)).not.toContain('config.json')
    const facts = JSON.parse((await succeeds(['info', out, '--json'])).stdout)
    expect(facts).toMatchObject({
      kind: 'unfinished run',
      command: 'train',
      preset: 'tiny',
      images: 800,
      resumable: true,
    })
    expect(await fails(['sample', out, '--out', at('x.png')], 1)).toMatch(
      /^the run in .*diverged is not finished/,
    )
  })
})

describe('a training of few pictures', () => {
  const FEW = /^the network will see about .* pictures \(repeats count\), and before .*$/m

  it('says that they are few, and what to do; not where the network has learned already', async () => {
    const small = ['--preset', 'small', '--batch', '8', '--images', '16']
    const { stderr } = await succeeds(['train', pictures, '--out', at('few'), ...small])
    expect(stderr.match(FEW)?.[0]).toBe(
      'the network will see about 16 pictures (repeats count), and before 10,000 preset small paints noisy blobs: give it --images 10000',
    )
    const timed = ['train', pictures, '--out', at('few-minutes'), '--batch', '8', '--minutes', '0.05']
    expect((await succeeds(timed)).stderr.match(FEW)?.[0]).toMatch(
      /and before 20,000 preset base paints noisy blobs: give it --minutes \d+, or --preset small$/,
    )
    const on = ['train', pictures, '--out', at('few-more'), '--init-from', at('few'), '--batch', '8']
    expect((await succeeds([...on, '--images', '16'])).stderr).not.toMatch(FEW)
    expect((await succeeds(['train', pictures, '--out', at('few-tiny'), ...tiny(16)])).stderr).not.toMatch(
      FEW,
    )
  })
})

describe('what is told on the way', () => {
  it('names the samples by the path that was given', async () => {
    const args = ['train', pictures, ...tiny(48), '--checkpoint-every', '0', '--out']
    const absolute = at('told-absolute')
    expect((await succeeds([...args, absolute])).stderr).toContain(` · ${join(absolute, 'samples.png')}\n`)
    const { stderr } = await succeeds([...args, 'told-relative'], { cwd: folder })
    expect(stderr).toContain(` · ${join('told-relative', 'samples.png')}\n`)
  })

  it('is in the help: how long a run lasts if nothing is said', async () => {
    for (const [command, usual] of [
      ['train', 60],
      ['distill', 20],
    ] as const) {
      const { stdout } = await succeeds([command, '--help'])
      expect(stdout.replace(/\s+/g, ' ')).toContain(
        `search and report included; ${usual} if neither is given`,
      )
    }
  })
})

describe('samples that cannot be written', () => {
  it('are told of, and the training goes on', async () => {
    const out = at('no-samples')
    // Not even --force replaces a folder, which no run makes there.
    await mkdir(join(out, 'samples.png'), { recursive: true })
    const args = ['train', pictures, '--out', out, ...tiny(48), '--checkpoint-every', '0', '--force']
    const { stderr } = await succeeds(args)
    expect(stderr).toMatch(/no samples this time: cannot write .*samples\.png: it is a folder/)
    expect(stderr).toMatch(/^trained: /m)
    expect(await readdir(out)).toContain('model.safetensors')
  })
})

describe('a damaged state', () => {
  it('is named with the way out; the state before it goes on', async () => {
    const out = at('damaged')
    const args = ['train', pictures, '--out', out, ...tiny(4000), '--checkpoint-every', '0']
    const interrupted = await onestroke(args, {
      onStart: (kill) => {
        const poll = setInterval(async () => {
          const names = await readdir(out).catch(() => [] as string[])
          if (!names.includes('state.previous.safetensors')) return
          clearInterval(poll)
          kill('SIGINT')
        }, 50)
      },
    })
    expect(interrupted.status).toBe(130)
    const state = join(out, 'state.safetensors')
    await truncate(state, 1000)
    const { status, stderr: said } = await onestroke(args)
    expect(status).toBe(1)
    expect(said).toMatch(
      /^error: .*state\.safetensors: .*; move state\.previous\.safetensors over it to go on from the state before, or start over with --force$/m,
    )
    await cp(join(out, 'state.previous.safetensors'), state)
    const { stderr } = await succeeds(args.map((word) => (word === '0' ? '60' : word)))
    expect(stderr).toMatch(/^going on after \d+ pictures$/m)
    await writeFile(join(out, 'run.json'), '{')
    expect(await fails(args, 1)).toMatch(
      /run\.json is damaged; choose another --out, or start over with --force$/,
    )
  })
})
