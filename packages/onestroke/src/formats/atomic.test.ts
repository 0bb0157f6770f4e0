import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import fs, {
  chmod,
  type FileHandle,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { UserError } from '@onestroke/core/errors'
import ts from 'typescript'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readBytes, writeFileAtomic } from './atomic.js'

const realOpen = fs.open
const open = vi.spyOn(fs, 'open')
const rename = vi.spyOn(fs, 'rename')
syncBuiltinESMExports()
afterAll(() => {
  open.mockRestore()
  rename.mockRestore()
  syncBuiltinESMExports()
})

const systemError = (code: string) => Object.assign(new Error(`${code}: from the test`), { code })

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onestroke-atomic-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('writeFileAtomic', () => {
  it('writes text and bytes, new files and old ones, and leaves nothing else', async () => {
    const path = join(folder, 'config.json')
    await writeFileAtomic(path, '{"é":1}')
    expect(await readFile(path, 'utf8')).toBe('{"é":1}')
    const bytes = Uint8Array.from({ length: 3_000_000 }, (_, i) => i)
    await writeFileAtomic(path, bytes.subarray(1))
    expect(Buffer.compare(await readFile(path), bytes.subarray(1))).toBe(0)
    expect(await readdir(folder)).toEqual(['config.json'])
  })

  it('goes through a sibling named after the file and the process, over the remains of an earlier one', async () => {
    const sibling = join(folder, `.a.bin.${process.pid}.tmp`)
    await writeFile(sibling, 'remains that are longer than the new file')
    await writeFileAtomic(join(folder, 'a.bin'), 'new')
    expect(rename).toHaveBeenLastCalledWith(sibling, join(folder, 'a.bin'))
    expect(await readFile(join(folder, 'a.bin'), 'utf8')).toBe('new')
    expect(await readdir(folder)).toEqual(['a.bin'])
  })

  it('keeps the order of writes that are not waited for', async () => {
    const path = join(folder, 'a.txt')
    const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(1000))
    await Promise.all(texts.map((text) => writeFileAtomic(path, text)))
    expect(await readFile(path, 'utf8')).toBe(texts.at(-1))
    expect(await readdir(folder)).toEqual(['a.txt'])
  })

  it('follows a link', async () => {
    await writeFile(join(folder, 'real.txt'), 'old')
    await symlink('real.txt', join(folder, 'link.txt'))
    await writeFileAtomic(join(folder, 'link.txt'), 'new')
    expect(await readFile(join(folder, 'real.txt'), 'utf8')).toBe('new')
    expect(await readdir(folder)).toEqual(['link.txt', 'real.txt'])
  })

  it.skipIf(!existsSync('/dev/full'))('writes to a device instead of replacing it', async () => {
    await writeFileAtomic('/dev/null', 'gone')
    await expect(writeFileAtomic('/dev/full', 'too much')).rejects.toThrow(
      new UserError('cannot write /dev/full: no space left on the disk'),
    )
    expect(existsSync('/dev/full')).toBe(true)
  })

  it('names the path when it is a folder, in a missing folder, under a file, or too long', async () => {
    await writeFile(join(folder, 'file'), '')
    const refused = async (path: string, reason: string) => {
      await expect(writeFileAtomic(path, 'x')).rejects.toThrow(
        new UserError(`cannot write ${path}: ${reason}`),
      )
    }
    await refused(folder, 'it is a folder')
    await refused(join(folder, 'missing', 'file'), 'its folder does not exist')
    await refused(join(folder, 'file', 'file'), 'a part of the path is not a folder')
    await refused(join(folder, 'x'.repeat(300)), 'the name is too long')
    expect(await readdir(folder)).toEqual(['file'])
  })

  it.each([
    ['ENOSPC', 'no space left on the disk'],
    ['EACCES', 'permission denied'],
    ['EROFS', 'the file system is read-only'],
    ['ENOTDIR', 'a part of the path is not a folder'],
    ['EDQUOT', 'the disk quota is used up'],
  ])('says what %s means, wherever it strikes, and leaves the old file alone', async (code, reason) => {
    const path = join(folder, 'a.txt')
    await writeFile(path, 'old')
    /** Makes one method of the next opened file fail. */
    const failIn =
      (method: 'writeFile' | 'sync') =>
      async (name: Parameters<typeof realOpen>[0], flags?: string | number) => {
        const file: FileHandle = await realOpen(name, flags)
        file[method] = () => Promise.reject(systemError(code))
        return file
      }
    const strikes = [
      () => open.mockRejectedValueOnce(systemError(code)),
      () => open.mockImplementationOnce(failIn('writeFile')),
      () => open.mockImplementationOnce(failIn('sync')),
      () => rename.mockRejectedValueOnce(systemError(code)),
    ]
    for (const strike of strikes) {
      strike()
      await expect(writeFileAtomic(path, 'new')).rejects.toThrow(
        new UserError(`cannot write ${path}: ${reason}`),
      )
      expect(await readFile(path, 'utf8')).toBe('old')
      expect(await readdir(folder)).toEqual(['a.txt'])
    }
    await writeFileAtomic(path, 'new')
    expect(await readFile(path, 'utf8')).toBe('new')
  })

  it('passes on what is our own mistake', async () => {
    const attempt = writeFileAtomic(join(folder, 'a.txt'), 3 as unknown as string)
    await expect(attempt).rejects.not.toBeInstanceOf(UserError)
    expect(await readdir(folder)).toEqual([])
  })
})

describe('readBytes', () => {
  it('reads a file', async () => {
    await writeFile(join(folder, 'a.bin'), Uint8Array.of(1, 2, 3))
    expect([...(await readBytes(join(folder, 'a.bin'), 'model'))]).toEqual([1, 2, 3])
  })

  it('names the path and what it is for when there is no such file, or it is a folder', async () => {
    const refused = async (path: string, reason: string) => {
      await expect(readBytes(path, 'model')).rejects.toThrow(
        new UserError(`cannot read model ${path}: ${reason}`),
      )
    }
    await refused(join(folder, 'a.bin'), 'no such file')
    await refused(folder, 'it is a folder')
    await writeFile(join(folder, 'file'), '')
    await refused(join(folder, 'file', 'a.bin'), 'a part of the path is not a folder')
  })
})

describe.skipIf(process.platform === 'win32')('readBytes, of a named pipe', () => {
  it.each(['config.json', 'model.safetensors', 'manifest.json'])(
    'refuses it without waiting for somebody to write: %s',
    async (name) => {
      const pipe = join(folder, name)
      spawnSync('mkfifo', [pipe])
      const read = readBytes(pipe, 'model')
      try {
        const first = await Promise.race([read.catch((error) => error), setTimeout(5000, 'waits')])
        expect(first).toEqual(new UserError(`cannot read model ${pipe}: it is not a regular file`))
      } finally {
        // Ends a read that waits, and is no error where nothing does.
        const end = spawn('sh', ['-c', ': 1<>"$0"', pipe], { stdio: 'ignore' })
        await new Promise((done) => end.once('exit', done))
      }
    },
  )

  it('reads it where a pipe may be meant', async () => {
    const pipe = join(folder, 'features.onnx')
    spawnSync('mkfifo', [pipe])
    const [bytes] = await Promise.all([
      readBytes(pipe, 'feature network', 'anything'),
      writeFile(pipe, Uint8Array.of(1, 2, 3)),
    ])
    expect([...bytes]).toEqual([1, 2, 3])
  })
})

/** Puts `atomic.ts` as plain JavaScript, with a script that uses it, into the folder. Gives the script's path. */
async function scriptWith(body: string): Promise<string> {
  const compile = async (path: string, name: string) => {
    const source = await readFile(fileURLToPath(new URL(path, import.meta.url)), 'utf8')
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    })
    await writeFile(join(folder, name), outputText.replace('@onestroke/core/errors', './errors.mjs'))
  }
  await compile('../../../core/src/errors/user-error.ts', 'errors.mjs')
  await compile('./atomic.ts', 'atomic.mjs')
  await writeFile(
    join(folder, 'script.mjs'),
    `import { readBytes, writeFileAtomic } from './atomic.mjs'\n${body}`,
  )
  return join(folder, 'script.mjs')
}

describe('in a process of its own', () => {
  it('a kill in the middle of writing leaves the old file whole or the new one whole', async () => {
    const path = join(folder, 'out', 'state.bin')
    await mkdir(join(folder, 'out'))
    const script = await scriptWith(`
      for (let i = 0; ; i++) {
        await writeFileAtomic(${JSON.stringify(path)}, new Uint8Array(1 << 20).fill(i))
        if (i === 1) console.log('writing')
      }`)
    for (let round = 0; round < 12; round++) {
      const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
      const ended = new Promise((done) => child.once('exit', (_, signal) => done(signal)))
      await Promise.race([new Promise((started) => child.stdout.once('data', started)), ended])
      await setTimeout(round * 1.7)
      child.kill('SIGKILL')
      expect(await ended).toBe('SIGKILL')
      const bytes = await readFile(path)
      expect(bytes.length).toBe(1 << 20)
      expect(bytes.equals(Buffer.alloc(1 << 20, bytes[0]))).toBe(true)
    }
  })

  it.skipIf(process.platform === 'win32')(
    'a folder or file without permission is said to be so',
    async () => {
      const closed = join(folder, 'closed')
      await mkdir(closed)
      await writeFile(join(closed, 'secret'), '', { mode: 0 })
      const script = await scriptWith(`
      if (process.getuid() === 0) process.setuid(65534) // root may do anything, nobody may not
      const say = (error) => console.log(error.name + ': ' + error.message)
      await writeFileAtomic('closed/new', 'x').catch(say)
      await readBytes('closed/secret', 'model').catch(say)`)
      await chmod(closed, 0o555)
      await chmod(folder, 0o755)
      const { stdout, stderr } = spawnSync(process.execPath, [script], { cwd: folder, encoding: 'utf8' })
      await chmod(closed, 0o755) // or it cannot be cleared away
      expect(stderr).toBe('')
      expect(stdout.split('\n')).toEqual([
        'UserError: cannot write closed/new: permission denied',
        'UserError: cannot read model closed/secret: permission denied',
        '',
      ])
    },
  )
})

describe('what is there already', () => {
  it('keeps its mode, and a link to nothing stays a link', async () => {
    const secret = join(folder, 'secret')
    await writeFile(secret, 'old', { mode: 0o600 })
    await writeFileAtomic(secret, 'new')
    expect((await stat(secret)).mode & 0o777).toBe(0o600)
    await symlink('later.png', join(folder, 'link.png'))
    await writeFileAtomic(join(folder, 'link.png'), 'picture')
    expect(await readFile(join(folder, 'later.png'), 'utf8')).toBe('picture')
    expect((await lstat(join(folder, 'link.png'))).isSymbolicLink()).toBe(true)
  })
})
