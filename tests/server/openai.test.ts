/** The server as OpenAI's own client meets it. */
import OpenAI from 'openai'
import sharp from 'sharp'
import { describe, expect, it, vi } from 'vitest'
import { readRecipe } from '../../packages/core/src/pipeline/index.js'
import { far, pixelsOf } from './pictures.js'
import { gathered, hold, own, refusal, start } from './testing.js'

const ORIGIN = 'http://localhost:5173'
const server = await start({ cors: [ORIGIN] })
/** Names of the headers that the client sent last. */
let sent: string[] = []
const client = new OpenAI({
  baseURL: `${server.url}/v1`,
  apiKey: 'any',
  maxRetries: 0,
  fetch: (url, init) => {
    sent = [...new Headers(init?.headers).keys()]
    return fetch(url, init)
  },
})

describe('a page that may ask', () => {
  it('may send the headers that the client sends', async () => {
    await client.images.generate({ prompt: 'owl' })
    expect(sent).toEqual(expect.arrayContaining(['authorization', 'x-stainless-os']))
    const preflight = (origin: string) =>
      fetch(`${server.url}/v1/images/generations`, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': sent.join(','),
        },
      })
    const { status, headers } = await preflight(ORIGIN)
    expect(status).toBe(204)
    expect(headers.get('access-control-allow-headers')!.split(',')).toEqual(sent)
    expect((await preflight('https://other.example')).status).toBe(403)
  })
})
const bytesOf = (b64: string | undefined) => Buffer.from(b64!, 'base64')
const metadata = (b64: string | undefined) => sharp(bytesOf(b64)).metadata()
const pixels = async (picture: Buffer, side: number) => [
  ...(await sharp(picture).resize(side, side, { kernel: 'nearest' }).removeAlpha().raw().toBuffer()),
]
describe('a stream', () => {
  const streamed = async (asked: object) => {
    const events: OpenAI.ImageGenStreamEvent[] = []
    const stream = await client.images.generate({
      prompt: 'owl',
      stream: true,
      ...own({ seed: 3 }),
      ...asked,
    })
    for await (const event of stream) events.push(event)
    return events
  }

  it('ends in the picture that is there without it', async () => {
    const { data } = await client.images.generate({ prompt: 'owl', ...own({ seed: 3 }) })
    const events = await streamed({})
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({
      type: 'image_generation.completed',
      b64_json: data![0]!.b64_json,
      size: '16x16',
      output_format: 'png',
      background: 'opaque',
      quality: 'auto',
      created_at: expect.any(Number),
      usage: { total_tokens: 0 },
    })
    expect((await streamed({ n: 2 })).map(({ type }) => type)).toEqual(
      Array(2).fill('image_generation.completed'),
    )
  })

  it('shows states before, as far as there are steps', async () => {
    const told = (events: readonly OpenAI.ImageGenStreamEvent[]) =>
      events.map((event) => ('partial_image_index' in event ? event.partial_image_index : event.type))
    const done = 'image_generation.completed'
    const events = await streamed({ partial_images: 2, steps: 4, size: '64x64', output_format: 'webp' })
    expect(told(events)).toEqual([0, 1, done])
    for (const { b64_json } of events)
      expect(await metadata(b64_json)).toMatchObject({ format: 'webp', width: 64 })
    expect(new Set(events.map(({ b64_json }) => b64_json)).size).toBe(3)
    expect(told(await streamed({ partial_images: 3, steps: 2 }))).toEqual([0, done])
    expect(told(await streamed({ partial_images: 3, steps: 1 }))).toEqual([done])
    // The first step of several is the one step.
    const [alone] = await streamed({ steps: 1 })
    const [first] = await streamed({ partial_images: 3, steps: 4 })
    expect(
      far(await pixels(bytesOf(first!.b64_json), 16), await pixels(bytesOf(alone!.b64_json), 16)),
    ).toBeLessThanOrEqual(1)
  })

  it('has its own pictures where it shares a run with others', async () => {
    const asked = [3, 4, 5].map((seed) => ({ ...own({ seed }), partial_images: 3, steps: 4 }))
    const pictures = (events: readonly OpenAI.ImageGenStreamEvent[]) =>
      Promise.all(events.map(({ b64_json }) => pixels(bytesOf(b64_json), 16)))
    const alone = []
    for (const one of asked) alone.push(await pictures(await streamed(one)))
    const { painter } = server.service.scheduler
    const { first, go } = await hold(server)
    const paint = vi.spyOn(painter, 'paint')
    const together = asked.map(streamed)
    await gathered(server, 3)
    go()
    await first
    for (const [i, events] of (await Promise.all(together)).entries()) {
      const shared = await pictures(events)
      expect(shared).toHaveLength(4)
      for (const [k, picture] of shared.entries()) expect(far(picture, alone[i]![k]!)).toBeLessThanOrEqual(1)
    }
    expect(paint.mock.calls.map(([{ prompts }]) => prompts.length)).toEqual([1, 3])
    vi.restoreAllMocks()
  })

  it('is refused where events cannot say it', async () => {
    expect(await refusal(streamed({ partial_images: 1, n: 2 }))).toEqual([
      400,
      expect.stringContaining('send n: 1'),
    ])
    expect(await refusal(streamed({ response_format: 'url' }))).toEqual([
      400,
      expect.stringContaining('events carry b64_json'),
    ])
    expect(await refusal(client.images.generate({ prompt: 'owl', partial_images: 2 }))).toEqual([
      400,
      expect.stringContaining('partial_images come with stream: true'),
    ])
  })

  it('says what fails before the first event with a status, and what fails later in an event', async () => {
    const { painter } = server.service.scheduler
    const { paint } = painter
    const spied = vi.spyOn(painter, 'paint')
    spied.mockImplementationOnce(async () => {
      throw new Error('broken')
    })
    expect(await refusal(streamed({}))).toEqual([500, expect.stringContaining('something went wrong')])
    spied.mockImplementationOnce(async (order, signal, onPreview) => {
      await paint(order, signal, onPreview)
      throw new Error('broken')
    })
    expect(await refusal(streamed({ partial_images: 1, steps: 2 }))).toEqual([
      undefined,
      expect.stringContaining('something went wrong'),
    ])
    spied.mockRestore()
  })
})

describe('what is asked of a picture', () => {
  const ask = (fields: object) =>
    client.images.generate({
      prompt: 'owl',
      ...own({ seed: 3 }),
      ...fields,
    }) as Promise<OpenAI.ImagesResponse>

  it('is its format', async () => {
    const [plain] = (await ask({ size: '64x64' })).data!
    for (const output_format of ['png', 'webp', 'jpeg'] as const) {
      const answer = await ask({ size: '64x64', output_format })
      expect(answer.output_format).toBe(output_format)
      const [{ b64_json }] = answer.data as [OpenAI.Image]
      expect((await metadata(b64_json)).format).toBe(output_format)
      const off = far(await pixels(bytesOf(b64_json), 64), await pixels(bytesOf(plain!.b64_json), 64))
      if (output_format === 'jpeg') expect(off).toBeLessThan(30)
      else expect(off).toBe(0)
    }
    const sizes = await Promise.all(
      [0, 50, 100].map(async (output_compression) => {
        const { data } = await ask({ size: '256x256', output_format: 'jpeg', output_compression })
        return bytesOf(data![0]!.b64_json).length
      }),
    )
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b))
    expect(sizes[2]! / sizes[0]!).toBeGreaterThan(2)
    const { data } = await ask({ response_format: 'url', output_format: 'webp' })
    expect(data![0]!.url).toMatch(/^data:image\/webp;base64,UklGR/)
  })

  it('is its size, exactly', async () => {
    for (const [size, side] of [
      ['auto', 16],
      ['8x8', 8],
      ['100x100', 100],
      ['256x256', 256],
      ['1024x1024', 1024],
      ['2048x2048', 2048],
    ] as const) {
      const answer = await ask({ size })
      expect(answer.size).toBe(`${side}x${side}`)
      expect(await metadata(answer.data![0]!.b64_json)).toMatchObject({ width: side, height: side })
    }
  })

  it('covers sizes that are no squares, and is cropped to its middle', async () => {
    const [square, tall] = await Promise.all([ask({ size: '1536x1536' }), ask({ size: '1024x1536' })])
    expect(tall.size).toBe('1024x1536')
    const [whole, part] = [square, tall].map(({ data }) => sharp(bytesOf(data![0]!.b64_json)).removeAlpha())
    const middle = whole!.extract({ left: 256, top: 0, width: 1024, height: 1536 })
    expect(await part!.raw().toBuffer()).toEqual(await middle.raw().toBuffer())
  })

  it('is ten pictures of a megapixel', async () => {
    const { data } = await ask({ n: 10, size: '1024x1024', steps: 1 })
    expect(data).toHaveLength(10)
    expect((await metadata(data![9]!.b64_json)).width).toBe(1024)
  })

  it.each([
    [{ size: '0x0' }, 'size must be auto, or WIDTHxHEIGHT, such as 512x512, and not 0x0'],
    [{ size: '2048x4096' }, '2048×4096 pixels are 8 megapixels'],
    [
      { size: '4096x4096' },
      '4096×4096 pixels are 16 megapixels, and a picture has at most 4, which is 2048×2048',
    ],
    [{ size: 'large' }, 'expected auto, or WIDTHxHEIGHT'],
    [{ size: '2048x2048', n: 3 }, 'an answer has at most 10; ask for fewer or smaller pictures'],
    [{ n: 11 }, 'n: too big'],
    [{ background: 'transparent' }, 'background: this model paints opaque pictures'],
    [{ output_format: 'gif' }, 'output_format: '],
    [{ output_compression: 50 }, 'output_compression is for jpeg and webp'],
  ])('is refused where it cannot be had: %j', async (fields, message) => {
    expect(await refusal(ask(fields))).toEqual([400, expect.stringContaining(message)])
  })

  it('may be what clients always send, and changes nothing', async () => {
    const plain = await ask({})
    const { created: _, ...same } = plain
    const sent = {
      model: 'gpt-image-1',
      quality: 'high',
      style: 'vivid',
      moderation: 'low',
      user: 'me',
      background: 'auto',
    }
    expect(await ask(sent)).toMatchObject(same)
    expect(await ask(sent)).not.toHaveProperty('warnings')
    expect(await ask({ colour: 'red' })).toMatchObject({
      warnings: ['not known here, and not looked at: colour'],
    })
  })

  it('may be a prompt of 32,000 characters, of which the first words are read', async () => {
    const short = await ask({ prompt: 'red heart with smiling eyes and cat mouth' })
    const rest = 'x '.repeat(16_000)
    const prompt = `red heart with smiling eyes and cat mouth ${rest}`.slice(0, 32_000)
    const long = await ask({ prompt })
    const [before, after] = [short, long].map(({ data }) => Buffer.from(data![0]!.b64_json!, 'base64'))
    expect(await pixelsOf(after!)).toEqual(await pixelsOf(before!))
    expect(readRecipe(after!)?.prompts).toEqual([prompt])
    expect(long).toMatchObject({
      warnings: ['the model reads the first 8 words of a prompt, and not "x"'],
    })
    expect(await refusal(ask({ prompt: 'x'.repeat(32_001) }))).toEqual([
      400,
      expect.stringContaining('prompt: too big'),
    ])
  })
})
describe('the models', () => {
  it('are the one that paints', async () => {
    const { data } = await client.models.list()
    expect(data.map(({ id, object }) => [id, object])).toEqual([['emoji-16-guided', 'model']])
    expect(await client.models.retrieve('emoji-16-guided')).toEqual(data[0])
    expect(await refusal(client.models.retrieve('dall-e-3'))).toEqual([
      404,
      expect.stringContaining('there is no model dall-e-3; there is emoji-16-guided'),
    ])
  })
})
