/** Pictures that OpenAI’s own client sends to the server. */
import OpenAI, { toFile } from 'openai'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { far } from './pictures.js'
import { own, refusal, start } from './testing.js'

const server = await start()
const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'any', maxRetries: 0 })
const bytesOf = (b64: string | undefined) => Buffer.from(b64!, 'base64')
const metadata = (b64: string | undefined) => sharp(bytesOf(b64)).metadata()
const pixels = async (picture: Buffer, side: number) => [
  ...(await sharp(picture).resize(side, side, { kernel: 'nearest' }).removeAlpha().raw().toBuffer()),
]
describe('a picture that is sent', () => {
  /** Yellow, 16×16; its right half is a hole, if there is to be one. */
  const yellow = (hole: boolean) =>
    sharp(
      Buffer.from(Array.from({ length: 256 }, (_, i) => [255, 220, 0, hole && i % 16 >= 8 ? 0 : 255]).flat()),
      {
        raw: { width: 16, height: 16, channels: 4 },
      },
    )
      .png()
      .toBuffer()
  const file = async (hole: boolean) => toFile(await yellow(hole), 'yellow.png', { type: 'image/png' })
  const halves = (all: readonly number[]) =>
    [false, true].map((right) => all.filter((_, i) => Math.floor(i / 3) % 16 >= 8 === right))

  it('is painted again in the holes of a mask, and stays elsewhere', async () => {
    const { data } = await client.images.edit({
      image: await file(false),
      mask: await file(true),
      prompt: 'owl',
      n: 2,
    })
    expect(data).toHaveLength(2)
    const before = halves(await pixels(await yellow(false), 16))
    for (const { b64_json } of data!) {
      const [left, right] = halves(await pixels(bytesOf(b64_json), 16))
      expect(left).toEqual(before[0])
      expect(far(right!, before[1]!)).toBeGreaterThan(50)
    }
  })

  it('that has holes itself is its own mask, and another mask comes before it', async () => {
    const edit = async (image: boolean, mask?: boolean) => {
      const files = { image: await file(image), ...(mask !== undefined && { mask: await file(mask) }) }
      const { data } = await client.images.edit({ ...files, prompt: 'owl', ...own({ seed: 3 }) })
      return pixels(bytesOf(data![0]!.b64_json), 16)
    }
    const before = halves(await pixels(await yellow(false), 16))
    const [left, right] = halves(await edit(true))
    expect(left).toEqual(before[0])
    expect(far(right!, before[1]!)).toBeGreaterThan(50)
    // A white mask without holes: all is painted.
    expect(far(halves(await edit(true, false))[0]!, before[0]!)).toBeGreaterThan(50)
  })

  it('is painted again as /generate paints it again, in a list, too, and in a stream', async () => {
    const asked = { prompt: 'owl', ...own({ seed: 3 }) }
    const image = (await yellow(false)).toString('base64')
    const response = await server.post('/generate', { ...asked, image })
    const expected = await pixels(Buffer.from(await response.arrayBuffer()), 16)
    const { data } = await client.images.edit({ ...asked, image: [await file(false)] })
    expect(far(await pixels(bytesOf(data![0]!.b64_json), 16), expected)).toBeLessThanOrEqual(1)
    const events: OpenAI.ImageEditStreamEvent[] = []
    const stream = await client.images.edit({
      ...asked,
      image: await file(false),
      stream: true,
      partial_images: 3,
    })
    for await (const event of stream) events.push(event)
    expect(events.map(({ type }) => type)).toEqual([
      ...Array(3).fill('image_edit.partial_image'),
      'image_edit.completed',
    ])
    expect(far(await pixels(bytesOf(events[3]!.b64_json), 16), expected)).toBeLessThanOrEqual(1)
  })

  it('draws a seed and tells it, in forms and in streams, too', async () => {
    const told = (found: unknown) => (found as { seed: number }).seed
    const random = { prompt: 'owl', ...(own({ seed: 'random' }) as object) }
    const generated = await client.images.generate({ ...random, n: 2 })
    const edited = await client.images.edit({ ...random, image: await file(false) })
    const events = []
    for await (const event of await client.images.generate({ ...random, stream: true })) events.push(event)
    const [one, next] = generated.data!.map(told)
    expect(next).toBe((one! + 1) % 2 ** 32)
    for (const seed of [told(edited.data![0]), told(events[0])])
      expect([Number.isInteger(seed), seed === one]).toEqual([true, false])
    const again = await client.images.generate({ prompt: 'owl', ...own({ seed: one }) })
    expect(again.data![0]!.b64_json).toBe(generated.data![0]!.b64_json)
    expect(
      await refusal(client.images.edit({ ...random, ...own({ seed: 'owl' }), image: await file(false) })),
    ).toEqual([
      400,
      expect.stringContaining('seed: expected a whole number from 0 to 4294967295, or -1 or random'),
    ])
  })

  it('is varied', async () => {
    const { data } = await client.images.createVariation({ image: await file(false), n: 2, size: '256x256' })
    const [one, other] = await Promise.all(data!.map(({ b64_json }) => pixels(bytesOf(b64_json), 16)))
    expect((await metadata(data![0]!.b64_json)).width).toBe(256)
    expect(far(one!, other!)).toBeGreaterThan(10)
  })

  it('is refused in words', async () => {
    const image = await file(false)
    const edit = (fields: object) => refusal(client.images.edit({ image, prompt: 'owl', ...fields }))
    expect(await edit({ image: [image, await file(true)] })).toEqual([
      400,
      expect.stringContaining('more than one image'),
    ])
    expect(await edit({ image: await toFile(Buffer.from('none'), 'a.png') })).toEqual([
      400,
      expect.stringContaining('cannot read the picture: not a picture'),
    ])
    expect(await edit({ n: 11 })).toEqual([400, expect.stringContaining('n: too big')])
    expect(await edit({ image: await toFile(Buffer.alloc(18 * 2 ** 20), 'a.png') })).toEqual([
      413,
      expect.stringContaining('scale it down'),
    ])
    const asked = async (body: string, type: string) => {
      const response = await server.post('/v1/images/edits', body, { headers: { 'content-type': type } })
      return [response.status, (await response.json()).error.message]
    }
    expect(await asked('{}', 'application/json')).toEqual([
      415,
      expect.stringContaining('multipart/form-data'),
    ])
    expect(await asked('none', 'multipart/form-data')).toEqual([
      400,
      expect.stringContaining('the form cannot be read'),
    ])
    expect(await asked('--x\r\n', 'multipart/form-data; boundary=x')).toEqual([
      400,
      expect.stringContaining('the form cannot be read'),
    ])
  })
})
