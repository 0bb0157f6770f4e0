/** The studio for others than this machine: who may open it, and what goes over the network. */
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { openCatalogue, type StudioGuard, studioServer } from '../../packages/onestroke/src/studio/index.js'
import { fails, onestroke, scratch } from '../cli/testing.js'
import { hashOfConfig, STUDENT } from './testing.js'

const { folder: work } = await scratch()
const TOKEN = 'a-token-of-enough-letters'
const HOST = '192.168.1.5:8090'
/** Another machine of the network. */
const PHONE = '192.168.1.7'

const open = async (guard?: StudioGuard) =>
  studioServer(await openCatalogue([STUDENT], { work: join(work, 'exports'), dtype: 'fp16' }), [work], guard)
type App = Awaited<ReturnType<typeof open>>

describe('a studio that listens for others', () => {
  let app: App
  beforeAll(async () => {
    app = await open({ host: '0.0.0.0', allowedHosts: ['studio.example'], token: TOKEN })
  })
  const ask = (url: string, headers: Record<string, string> = {}) =>
    app.inject({ url, remoteAddress: PHONE, headers: { host: HOST, ...headers } })

  it('refuses who has no token, with a page for people and in JSON for programs', async () => {
    for (const url of ['/', '/models.json', '/api/runs', '/sw.js', '/models/emoji-16-guided/model.onnx'])
      expect((await ask(url)).statusCode).toBe(401)
    expect((await ask('/', { host: 'localhost:8090' })).statusCode).toBe(401)
    const page = await ask('/', { accept: 'text/html,*/*' })
    expect([page.statusCode, page.headers['content-type']]).toEqual([401, 'text/html; charset=utf-8'])
    expect(page.body).toContain('opens with its link: the address that onestroke studio printed')
    expect((await ask('/models.json')).json()).toEqual({
      error: expect.stringContaining('opens with its link'),
    })
    const wrong = await ask('/?token=another-token-of-letters', { accept: 'text/html' })
    expect([wrong.statusCode, wrong.headers['set-cookie']]).toEqual([401, undefined])
    expect(wrong.body).toContain('This token is not the studio’s.')
  })

  it('takes the token from the link, keeps it in a cookie, and takes it out of the address', async () => {
    const answer = await ask(`/?token=${TOKEN}`)
    expect([answer.statusCode, answer.headers.location]).toEqual([303, './'])
    const cookie = String(answer.headers['set-cookie'])
    expect(cookie).toMatch(/; HttpOnly; SameSite=Lax$/)
    const [pair = ''] = cookie.split(';')
    expect((await ask('/models.json', { cookie: `other=1; ${pair}` })).statusCode).toBe(200)
    expect((await ask('/models.json', { cookie: `${pair}x` })).statusCode).toBe(401)
    expect((await ask('/models.json', { cookie: `${pair.split('=')[0]}=%E0%A4%A` })).statusCode).toBe(401)
    expect((await ask('/models.json', { authorization: `Bearer ${TOKEN}` })).statusCode).toBe(200)
  })

  it('refuses other names and other pages, also with the token', async () => {
    const authorization = `Bearer ${TOKEN}`
    const refused = await ask('/models.json', { authorization, host: 'evil.example' })
    expect([refused.statusCode, refused.json()]).toEqual([
      403,
      { error: 'This studio is not called evil.example. Start it with this name as an allowed host.' },
    ])
    for (const host of ['studio.example', 'studio.example:8443', '[fe80::1]:8090'])
      expect((await ask('/models.json', { authorization, host })).statusCode).toBe(200)
    const foreign = await ask('/models.json', { authorization, origin: 'https://evil.example' })
    expect(foreign.statusCode).toBe(403)
    const link = await ask(`/?token=${TOKEN}`, { host: 'evil.example' })
    expect([link.statusCode, link.headers['set-cookie']]).toEqual([403, undefined])
  })

  it('compresses what gets smaller by it, and only over a network', async () => {
    const authorization = `Bearer ${TOKEN}`
    const headers = { authorization, 'accept-encoding': 'gzip, br' }
    const { body: files } = await ask('/sw-files.js', { authorization })
    const wasm = /assets\/ort-wasm-simd-threaded-[\w-]+\.wasm/.exec(files)![0]
    for (const [url, encoding] of [
      [`/${wasm}`, 'br'],
      [`/${/assets\/index-[\w-]+\.js/.exec(files)![0]}`, 'br'],
      ['/models/emoji-16-guided/manifest.json', 'br'],
      ['/models/emoji-16-guided/model.onnx', undefined],
    ] as const)
      expect([url, (await ask(url, headers)).headers['content-encoding']]).toEqual([url, encoding])
    const [small, whole] = [await ask(`/${wasm}`, headers), await ask(`/${wasm}`, { authorization })]
    expect(brotliDecompressSync(small.rawPayload).equals(whole.rawPayload)).toBe(true)
    expect(small.rawPayload.length).toBeLessThan(whole.rawPayload.length / 4)
    expect(small.headers['cache-control']).toBe('max-age=31536000, immutable')
    const here = await app.inject({ url: `/${wasm}`, headers: { ...headers, host: 'localhost:8090' } })
    expect(here.headers['content-encoding']).toBe(undefined)
    // A proxy on this machine is asked by a name of its own.
    const proxied = await app.inject({ url: `/${wasm}`, headers: { ...headers, host: 'studio.example' } })
    expect(proxied.headers['content-encoding']).toBe('br')
  })
})

describe('onestroke studio', () => {
  it('prints a link that opens it, and needs none on this machine alone', async () => {
    const found: Promise<unknown>[] = []
    const run = (args: readonly string[]) =>
      onestroke(['studio', STUDENT, '--port', '0', ...args], {
        onSaid(text, kill) {
          const [url] = /http:\S+(?= is the studio)/.exec(text) ?? []
          if (!url || found.length > 0) return
          const { origin } = new URL(url)
          found.push(
            Promise.all([
              new URL(url).searchParams.get('token')?.length,
              fetch(url, { redirect: 'manual' }).then(({ status }) => status),
              fetch(`${origin}/models.json`).then(({ status }) => status),
            ]).finally(() => kill('SIGTERM')),
          )
        },
      })
    const open = await run(['--host', '0.0.0.0'])
    expect([open.status, open.stdout, await found.pop()]).toEqual([0, '', [22, 303, 401]])
    expect(open.stderr).toMatch(/http:\/\/127\.0\.0\.1:\d+\/\?token=\S{22} on this machine\n/)
    expect(open.stderr).toContain('The token is the key')
    const closed = await run([])
    expect([closed.status, await found.pop()]).toEqual([0, [undefined, 200, 200]])
    expect(closed.stderr).toMatch(/^http:\/\/127\.0\.0\.1:\d+ is the studio \(Ctrl-C ends it\)\n/)
  })

  it('refuses a token that can be guessed, and a folder to upload that listens', async () => {
    process.env.ONESTROKE_TOKEN = 'short'
    try {
      expect(await fails(['studio', STUDENT, '--host', '0.0.0.0'], 2)).toMatch(/^the token has 5 characters/)
    } finally {
      delete process.env.ONESTROKE_TOKEN
    }
    expect(await fails(['studio', STUDENT, '--build', join(work, 'site'), '--host', '0.0.0.0'], 2)).toContain(
      "option '--build <dir>' cannot be used with option '--host <address>'",
    )
  })
})

describe('a catalogue', () => {
  it('finds models that come into its places, and leaves out what is none', async () => {
    const place = join(work, 'place')
    const options = {
      work: join(work, 'found'),
      dtype: 'fp16',
      places: [place, join(work, 'nowhere')],
    } as const
    const catalogue = await openCatalogue([], options)
    expect([catalogue.entries, catalogue.places]).toEqual([[], options.places])
    await mkdir(join(place, 'broken'), { recursive: true })
    await writeFile(join(place, 'broken', 'config.json'), '{')
    await cp(STUDENT, join(place, 'mine'), { recursive: true })
    const app = await studioServer(catalogue, [])
    const look = async () =>
      (await app.inject({ url: '/models.json', headers: { host: 'localhost' } })).json()
    const [student, teacher] = await Promise.all(
      [STUDENT, 'models/emoji-16-teacher'].map(async (model) => ({ sha256: await hashOfConfig(model) })),
    )
    const mine = { name: 'mine', path: 'models/mine/', kind: 'student', ...student }
    expect(await look()).toEqual({ models: [mine], runs: true })
    await cp('models/emoji-16-teacher', join(place, 'other'), { recursive: true })
    expect((await look()).models).toEqual([
      { ...mine, teacher: 'other' },
      { name: 'other', path: 'models/other/', kind: 'teacher', ...teacher },
    ])
    // Another model takes the teacher's place, and gives it back.
    const put = async (model: string) => {
      for (const file of ['model.safetensors', 'config.json'])
        await cp(join('models', model, file), join(place, 'other', file))
    }
    await put('emoji-16-student')
    expect((await look()).models).toMatchObject([mine, { name: 'other', kind: 'student', guidance_scale: 1 }])
    expect((await look()).models[0].teacher).toBeUndefined()
    await put('emoji-16-teacher')
    expect((await look()).models).toEqual([
      { ...mine, teacher: 'other' },
      { name: 'other', path: 'models/other/', kind: 'teacher', ...teacher },
    ])
  })
})
