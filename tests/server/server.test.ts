import fc from 'fast-check'
import sharp from 'sharp'
import { describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { loadModel, Model } from '../../packages/onestroke/src/model/index.js'
import { createServer } from '../../packages/onestroke/src/server/index.js'
import { dice } from '../dice.js'
import { disc, far, image, mask, pixelsOf } from './pictures.js'
import { gathered, hold, runsOf, STUDENT, start } from './testing.js'

const server = await start()
/** Node's own picture of a prompt and a seed, in one step, as bytes in rows. */
const nodePicture = async (model: Model, prompt: string, seed: number) => {
  const { data } = await model.generate({ prompts: [prompt], seed, num_inference_steps: 1 })
  return Array.from({ length: 768 }, (_, i) => {
    const value = Math.round((data[(i % 3) * 256 + Math.floor(i / 3)]! + 1) * 127.5)
    return Math.min(255, Math.max(0, value))
  })
}
describe('what is asked', () => {
  it('is answered with the model’s picture, as PNG or WebP', async () => {
    const model = await Model.load(STUDENT)
    const expected = await nodePicture(model, 'red heart', 7)
    await model.release()
    for (const format of ['png', 'webp']) {
      const response = await server.post('/generate', { prompt: 'red heart', seed: 7, steps: 1, format })
      expect([response.status, response.headers.get('content-type')]).toEqual([200, `image/${format}`])
      expect(response.headers.get('x-seed')).toBe('7')
      expect(far(await pixelsOf(await response.arrayBuffer()), expected)).toBeLessThanOrEqual(1)
    }
  })

  it('is answered with JSON, several pictures of successive seeds, enlarged', async () => {
    const body = { prompt: 'owl', n: 3, seed: 5, format: 'json', scale: 2 }
    const json = await (await server.post('/generate', body)).json()
    expect(json).toMatchObject({ width: 32, height: 32, images: [{ seed: 5 }, { seed: 6 }, { seed: 7 }] })
    const one = await (await server.post('/generate', { ...body, n: 1, seed: 6 })).json()
    const pictures = [json.images[1].b64, one.images[0].b64].map((text) => Buffer.from(text, 'base64'))
    expect((await sharp(pictures[0]).metadata()).width).toBe(32)
    expect(far(await pixelsOf(pictures[0]!), await pixelsOf(pictures[1]!))).toBeLessThanOrEqual(1)
    const drawn = await Promise.all([1, 2].map(() => server.post('/generate', { prompt: 'owl' })))
    expect(drawn[0]!.headers.get('x-seed')).not.toBe(drawn[1]!.headers.get('x-seed'))
  })

  it.each([-1, 'random'])('draws a seed and tells it: %j', async (seed) => {
    const ask = async (fields: object) => {
      const response = await server.post('/generate', { prompt: 'owl', steps: 1, ...fields })
      const told = ['x-seed', 'x-to-seed'].map((name) => response.headers.get(name))
      return { told, pixels: await pixelsOf(await response.arrayBuffer()) }
    }
    const drawn = await ask({ seed, to: { seed, weight: 0.5 } })
    const [from, to] = drawn.told.map(Number)
    expect(from).not.toBe(to)
    const again = await ask({ seed: from, to: { seed: to, weight: 0.5 } })
    expect(again.told).toEqual(drawn.told)
    expect(far(again.pixels, drawn.pixels)).toBeLessThanOrEqual(1)
    expect((await ask({ seed })).told).toEqual([expect.not.stringMatching(`^${from}$`), null])
    const way = { prompt: 'owl', n: 2, format: 'json', to: { seed } }
    const { images, to_seed } = await (await server.post('/generate', way)).json()
    expect([to_seed === images[0].seed, to_seed >= 0]).toEqual([false, true])
  })

  it('is understood as OpenAI’s API is', async () => {
    const ask = async (body: object) => (await server.post('/v1/images/generations', body)).json()
    const { created, data } = await ask({
      prompt: 'owl',
      n: 2,
      size: '96x96',
      model: 'dall-e-3',
      quality: 'hd',
    })
    expect(Math.abs(created - Date.now() / 1000)).toBeLessThan(60)
    expect(data).toHaveLength(2)
    expect((await sharp(Buffer.from(data[0].b64_json, 'base64')).metadata()).width).toBe(96)
    const { data: links } = await ask({ prompt: 'owl', response_format: 'url' })
    expect(links[0].url).toMatch(/^data:image\/png;base64,iVBOR/)
    expect((await ask({ prompt: 'owl', size: '64x32' })).size).toBe('64x32')
  })

  it.each([
    [{ steps: 0 }, 'steps: too small: expected number to be >=1'],
    [{ n: 65 }, 'n: too big'],
    [{ step: 1 }, 'unrecognized key: "step"'],
    [{ guidance_scale: 4 }, 'this student learned guidance scales from 1 to 3, and not 4'],
    [{ solver: 'heun' }, 'this model is a consistency student'],
    ['{"prompt":', ''],
    ['null', 'expected object'],
  ])('is refused with 400 where it is wrong: %j', async (body, message) => {
    const response = await server.post('/generate', body)
    expect(response.status).toBe(400)
    const { error } = await response.json()
    expect(error.type).toBe('invalid_request_error')
    expect(error.message).toContain(message)
    expect(error.message).not.toContain('body/')
  })

  it('never fails otherwise than the OpenAPI document says', async () => {
    const { paths } = await (await fetch(`${server.url}/openapi.json`)).json()
    const schema = paths['/generate'].post.requestBody.content['application/json'].schema
    expect(Object.keys(schema.properties)).toEqual(
      expect.arrayContaining(['prompt', 'n', 'seed', 'steps', 'guidance_scale', 'format', 'scale', 'to']),
    )
    interface Spec {
      type?: string
      enum?: unknown[]
      minimum?: number
      format?: string
      properties?: Record<string, Spec>
    }
    const PICTURES = new Set(['image', 'mask'])
    const pictures = fc.constantFrom(
      image,
      `data:image/png;base64,${mask}`,
      image.slice(0, 80),
      '',
      'none',
      1,
    )
    const field = (spec: Spec) =>
      fc.oneof({ weight: 6, arbitrary: sensible(spec) }, { weight: 1, arbitrary: fc.jsonValue() })
    const sensible = (spec: Spec): fc.Arbitrary<unknown> => {
      if (spec.enum) return fc.constantFrom(...spec.enum)
      if (spec.properties) return fields(spec.properties)
      if (spec.type === 'integer') return fc.integer({ min: Math.max(-2, (spec.minimum ?? 0) - 1), max: 6 })
      if (spec.type === 'number') return fc.double({ noNaN: true, min: -1, max: 9 })
      return fc.string({ unit: 'binary', maxLength: 40 })
    }
    const fields = (properties: Record<string, Spec>) =>
      fc.record(
        Object.fromEntries(
          Object.entries(properties).map(([name, spec]) => [
            name,
            PICTURES.has(name) ? pictures : field(spec),
          ]),
        ),
        { requiredKeys: [] },
      )
    const body = fields(schema.properties)
    const { responses } = paths['/generate'].post
    const documented = Object.keys(responses).map(Number)
    const plain = await server.post('/generate', '{}', { headers: { 'content-type': 'application/xml' } })
    expect([plain.status, (await plain.json()).error.type]).toEqual([415, 'invalid_request_error'])
    expect(documented).toContain(415)
    for (const path of ['/health', '/ready']) expect(paths[path].get.security).toEqual([])
    expect(Object.keys(paths['/metrics'].get.responses[200].content)).toEqual(['text/plain'])
    await fc.assert(
      fc.asyncProperty(
        fc.oneof({ weight: 9, arbitrary: body }, { weight: 1, arbitrary: fc.jsonValue() }),
        async (json) => {
          const response = await server.post('/generate', json)
          expect(documented).toContain(response.status)
          expect(response.status).toBeLessThan(500)
          const type = response.headers.get('content-type')!.split(';')[0]
          expect(Object.keys(responses[response.status].content)).toContain(type)
          if (response.status !== 200)
            expect(await response.json()).toMatchObject({ error: { message: expect.any(String) } })
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('what nothing is found at', () => {
  it.each([
    ['/nowhere?n=1', 404, 'not_found', 'there is no /nowhere; GET / says what there is, and /openapi.json'],
    ['/v1/models/dall-e-3', 404, 'not_found', 'there is no model dall-e-3; there is emoji-16-guided'],
    ['/live', 426, 'upgrade_required', '/live is a socket: open it with new WebSocket(url)'],
    ['/%zz', 400, 'invalid_request_error', expect.stringContaining('/%zz')],
  ])('is told as any other problem is: %s', async (path, status, type, message) => {
    const response = await fetch(`${server.url}${path}`)
    expect([response.status, await response.json()]).toEqual([status, { error: { type, message } }])
  })
})
describe('many at once', () => {
  it('share runs, and each gets its own picture', async () => {
    const server = await start({ queue: 1000, batch: 32 })
    const { first, go } = await hold(server)
    gathered(server, 400).then(go)
    const prompts = ['red heart', 'owl', 'cat face', 'pizza']
    const model = await Model.load(STUDENT)
    const expected = new Map<string, number[]>()
    for (const prompt of prompts)
      for (let seed = 0; seed < 8; seed++)
        expected.set(`${prompt}${seed}`, await nodePicture(model, prompt, seed))
    await model.release()
    const asked = Array.from({ length: 400 }, (_, i) => ({
      prompt: prompts[i % 4]!,
      seed: Math.floor(i / 4) % 8,
      steps: 1,
    }))
    const found = await Promise.all(
      asked.map(async (body) => pixelsOf(await (await server.post('/generate', body)).arrayBuffer())),
    )
    for (const [i, { prompt, seed }] of asked.entries())
      expect(far(found[i]!, expected.get(`${prompt}${seed}`)!)).toBeLessThanOrEqual(1)
    expect((await first).status).toBe(200)
    expect(await runsOf(server)).toBe(1 + Math.ceil(400 / 32))
    const metrics = await server.service.metrics.registry.metrics()
    expect(metrics).toContain('onestroke_pictures_total 401')
    expect(metrics).toMatch(/onestroke_requests_total\{route="\/generate",status="200"\} 401/)
  })

  it('are told to come back when too many wait', async () => {
    const server = await start({ queue: 4, batch: 1 })
    const { first, go } = await hold(server)
    const answers = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const answer = await server.post('/generate', { prompt: 'owl', n: 2, steps: 4 })
        if (answer.status === 429) go()
        return answer
      }),
    )
    expect((await first).status).toBe(200)
    const statuses = answers.map(({ status }) => status)
    expect(new Set(statuses)).toEqual(new Set([200, 429]))
    expect(answers.find(({ status }) => status === 429)!.headers.get('retry-after')).toBe('1')
  })

  it('may hang up, a thousand of them, without leaving anything behind', async () => {
    const failures: Error[] = []
    const chance = dice('moments at which clients leave')
    const { service, post } = await start({
      queue: 5000,
      batch: 4,
      onFailure: (error) => failures.push(error),
    })
    const paint = vi.spyOn(service.scheduler, 'paint')
    const before = process.memoryUsage().heapUsed
    for (let round = 1; round <= 10; round++) {
      const arrived = vi.waitFor(() => expect(paint).toHaveBeenCalledTimes(100 * round), 60_000)
      await Promise.all(
        Array.from({ length: 100 }, async () => {
          const controller = new AbortController()
          const asked = post('/generate', { prompt: 'owl', steps: 64 }, { signal: controller.signal }).then(
            (response) => response.arrayBuffer(),
          )
          arrived.then(() => setTimeout(() => controller.abort(), chance() * 200))
          await asked.catch(() => {})
        }),
      )
    }
    await vi.waitFor(() => expect(service.scheduler.waiting).toBe(0), { timeout: 20_000 })
    expect((await post('/generate', { prompt: 'owl' })).status).toBe(200)
    globalThis.gc?.()
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(100e6)
    expect(failures).toEqual([])
    const metrics = await service.metrics.registry.metrics()
    const count = (status: number) =>
      Number(new RegExp(`route="/generate",status="${status}"} (\\d+)`).exec(metrics)?.[1])
    expect(count(200) + count(499)).toBe(1001)
    expect(count(499)).toBeGreaterThan(500)
  })
})

describe('the live socket', () => {
  it('paints the latest, and says what was passed over', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/live`)
    await new Promise((resolve) => socket.once('open', resolve))
    const said: { id: number; superseded?: boolean; error?: string; milliseconds?: number }[] = []
    const pictures: Buffer[] = []
    socket.on('message', (data, isBinary) => {
      if (isBinary) pictures.push(data as Buffer)
      else said.push(JSON.parse(data.toString()))
    })
    for (let id = 0; id < 20; id++) socket.send(JSON.stringify({ id, prompt: 'owl', seed: id, steps: 2 }))
    await vi.waitFor(() => expect(said.find(({ id }) => id === 19)?.milliseconds).toBeGreaterThan(0), {
      timeout: 20_000,
    })
    await vi.waitFor(() =>
      expect(pictures.length).toBe(said.filter(({ milliseconds }) => milliseconds).length),
    )
    expect(said.map(({ id }) => id).sort((a, b) => a - b)).toEqual([...Array(20).keys()])
    expect(said.filter(({ superseded }) => superseded).length).toBeGreaterThan(5)
    const last = await (await server.post('/generate', { prompt: 'owl', seed: 19, steps: 2 })).arrayBuffer()
    expect(far(await pixelsOf(pictures.at(-1)!), await pixelsOf(last))).toBeLessThanOrEqual(1)
    const edit = { image, strength: 0, to: { prompt: 'pizza', weight: 0.5 } }
    socket.send(JSON.stringify({ id: 20, prompt: 'owl', ...edit }))
    await vi.waitFor(() => expect(said.at(-1)).toMatchObject({ id: 20, milliseconds: expect.any(Number) }))
    await vi.waitFor(async () => expect(far(await pixelsOf(pictures.at(-1)!), [...disc])).toBeLessThan(2))
    socket.send(JSON.stringify({ id: 30, prompt: 'owl', seed: 'random', to: { seed: -1, weight: 0.5 } }))
    const drawn = { id: 30, seed: expect.any(Number), to_seed: expect.any(Number) }
    await vi.waitFor(() => expect(said.at(-1)).toMatchObject(drawn))
    const strange = { prompt: 'owl xyzzy', negative_prompt: 'plugh', to: { prompt: 'frobnitz', weight: 0 } }
    socket.send(JSON.stringify({ id: 31, guidance_scale: 2, ...strange }))
    await vi.waitFor(() =>
      expect(said.at(-1)).toMatchObject({
        id: 31,
        warnings: ['the model has not seen "xyzzy", "frobnitz", "plugh"; it goes by similar spelling'],
      }),
    )
    socket.send(JSON.stringify({ id: 21, image: btoa('no picture') }))
    await vi.waitFor(() =>
      expect(said.at(-1)).toEqual({ id: 21, error: 'cannot read the picture: not a picture' }),
    )
    for (const text of ['{', 'null', JSON.stringify({ id: 30, steps: -1 })]) socket.send(text)
    await vi.waitFor(() =>
      expect(said.slice(-3)).toMatchObject([
        { id: null, error: 'the message is not JSON' },
        { id: null, error: expect.stringContaining('expected object') },
        { id: 30 },
      ]),
    )
    socket.close()
  })
})

describe('the end', () => {
  it('comes when what was accepted is finished; what comes later is refused', async () => {
    const server = await start({ batch: 1 })
    const { app, post, service, url } = server
    const { first, go } = await hold(server)
    const accepted = [
      first,
      ...Array.from({ length: 7 }, () => post('/generate', { prompt: 'owl', steps: 64 })),
    ]
    await gathered(server, 7)
    const socket = new WebSocket(`${url.replace('http', 'ws')}/live`)
    await new Promise((resolve) => socket.once('open', resolve))
    const heard: string[] = []
    socket.on('message', (data, isBinary) => heard.push(isBinary ? 'a picture' : data.toString()))
    socket.send(JSON.stringify({ id: 1, prompt: 'owl', steps: 4 }))
    await gathered(server, 8)
    const left = new Promise<number>((resolve) => socket.once('close', resolve))
    const closed = app.close()
    await vi.waitFor(() => expect(service.scheduler.closing).toBe(true))
    const states = await Promise.all(['/health', '/ready'].map((path) => fetch(`${url}${path}`)))
    expect(states.map(({ status }) => status)).toEqual([200, 503])
    expect((await states[1]!.json()).error.type).toBe('closing')
    await expect(service.scheduler.paint({ prompts: ['owl'], seeds: [1], settings: {} })).rejects.toThrow(
      'closing',
    )
    go()
    const statuses = (await Promise.all(accepted)).map(({ status }) => status)
    expect(statuses).toEqual(Array(8).fill(200))
    expect(await left).toBe(1001)
    expect(heard).toEqual([expect.stringContaining('"milliseconds"'), 'a picture'])
    await closed
    await expect(post('/generate', { prompt: 'owl' })).rejects.toThrow()
  })
})

it('refuses a model that is broken', async () => {
  await expect(createServer('models/nowhere')).rejects.toThrow(/there is no models\/nowhere/)
  const model = await loadModel(STUDENT)
  expect(model.config.kind).toBe('student')
})
