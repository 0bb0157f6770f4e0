/** Pictures that are sent to the server: painted again, in part, or on the way to another. */
import type { GenerateOptions } from '@onestroke/core/pipeline'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { readImage } from '../../packages/onestroke/src/data/index.js'
import { pngOf } from '../../packages/onestroke/src/formats/index.js'
import { Model } from '../../packages/onestroke/src/model/index.js'
import { disc, far, image, mask, pixelsOf, pngFrom } from './pictures.js'
import { gathered, hold, runsOf, STUDENT, start } from './testing.js'

const server = await start()
/** Node's own picture of anything, in one step unless it says so. */
const painted = async (model: Model, how: GenerateOptions) => {
  const { data } = await model.generate({ num_inference_steps: 1, ...how })
  return pixelsOf(await pngOf({ data, channels: 3, height: 16, width: 16 }))
}

describe('editing', () => {
  const pixels = async (body: object) => {
    const response = await server.post('/generate', body)
    expect(response.status).toBe(200)
    return pixelsOf(await response.arrayBuffer())
  }

  it('gives an image back at strength 0, and paints it again as Node does at others', async () => {
    expect(far(await pixels({ prompt: 'owl', image, strength: 0 }), [...disc])).toBeLessThanOrEqual(1)
    const model = await Model.load(STUDENT)
    const own = await readImage(Buffer.from(image, 'base64'), { channels: 3, height: 16, width: 16 })
    const expected = await painted(model, { prompts: ['owl'], seed: 3, image: own })
    await model.release()
    expect(far(expected, [...disc])).toBeGreaterThan(50)
    expect(far(await pixels({ prompt: 'owl', seed: 3, steps: 1, image }), expected)).toBeLessThanOrEqual(1)
  })

  it('keeps what the mask keeps, and paints the rest', async () => {
    const both = await Promise.all([1, 2].map((seed) => pixels({ prompt: 'owl', seed, image, mask })))
    const half = (all: readonly number[], right: boolean) =>
      all.filter((_, i) => Math.floor(i / 3) % 16 >= 8 === right)
    for (const all of both) expect(half(all, false)).toEqual(half([...disc], false))
    expect(far(half(both[0]!, true), half(both[1]!, true))).toBeGreaterThan(50)
    // The answer is the next request's picture, and the mask is larger than the model's pictures.
    const large = await sharp({ create: { width: 64, height: 128, channels: 3, background: '#fff' } })
      .extend({ left: 64, background: '#000' })
      .png()
      .toBuffer()
    let latest = image
    for (const seed of [3, 4, 5]) {
      const body = { prompt: 'owl', seed, image: latest, mask: large.toString('base64') }
      const answer = Buffer.from(await (await server.post('/generate', body)).arrayBuffer())
      expect(half(await pixelsOf(answer), false)).toEqual(half([...disc], false))
      latest = answer.toString('base64')
    }
  })

  it('leads to another prompt and seed: evenly, or as far as is said', async () => {
    const ask = { prompt: 'owl', seed: 4, steps: 1, to: { prompt: 'pizza', seed: 9 } }
    const response = await server.post('/generate', { ...ask, n: 3, format: 'json' })
    const { images } = await response.json()
    expect(images.map(({ seed }: { seed: number }) => seed)).toEqual([4, 4, 4])
    const way = await Promise.all(
      images.map(({ b64 }: { b64: string }) => pixelsOf(Buffer.from(b64, 'base64'))),
    )
    const ends = [
      await pixels({ prompt: 'owl', seed: 4, steps: 1 }),
      await pixels({ ...ask, to: { ...ask.to, weight: 0.5 } }),
      await pixels({ prompt: 'pizza', seed: 9, steps: 1 }),
    ]
    for (const [i, end] of ends.entries()) expect(far(way[i]!, end)).toBeLessThanOrEqual(1)
    expect(far(ends[0]!, ends[1]!)).toBeGreaterThan(50)
  })

  it('is shared by requests of different images and weights, and each gets its own', async () => {
    const images = await Promise.all(
      [20, 90, 160, 230].map((grey) => pngFrom(Buffer.alloc(768, grey)).then((png) => ({ grey, png }))),
    )
    const ask = { prompt: 'owl', seed: 1, steps: 1 }
    const bodies = images.flatMap(({ grey, png }) => [
      { ...ask, image: png, strength: 0 },
      { ...ask, to: { prompt: 'pizza', weight: grey / 255 } },
      { ...ask, image: png, mask, strength: 0.5 },
    ])
    const shared = await start()
    const { first, go } = await hold(shared)
    gathered(shared, bodies.length).then(go)
    const found = await Promise.all(
      bodies.map(async (body) => pixelsOf(await (await shared.post('/generate', body)).arrayBuffer())),
    )
    expect((await first).status).toBe(200)
    for (const [i, { grey }] of images.entries())
      expect(far(found[3 * i]!, Array(768).fill(grey))).toBeLessThanOrEqual(1)
    const alone = await start({ batch: 1 })
    for (const [i, body] of bodies.entries()) {
      const one = await pixelsOf(await (await alone.post('/generate', body)).arrayBuffer())
      expect(far(found[i]!, one)).toBeLessThanOrEqual(1)
    }
    expect(await runsOf(shared)).toBe(1 + 3)
  })

  it('refuses what is no small picture, and what makes no sense', async () => {
    const large = await sharp({ create: { width: 3000, height: 3000, channels: 3, background: '#fff' } })
      .png({ palette: true })
      .toBuffer()
    const drawing = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    const cases: [body: object, message: RegExp][] = [
      [{ image: 'no base64!' }, /^image: expected a picture in base64, or a data: address/],
      [{ image: 'data:image/svg+xml,%3Csvg/%3E' }, /^image: expected a picture in base64/],
      [{ image: 'https://example.com/cat.png' }, /^image: pictures are not fetched: send the picture/],
      [{ image: '' }, /^cannot read the picture: empty file$/],
      [{ image: btoa('no picture') }, /^cannot read the picture: not a picture$/],
      [{ image: image.slice(0, 80) }, /^cannot read the picture: /],
      [{ image: drawing.toString('base64') }, /svg is not taken, only png, jpeg, webp$/],
      [{ image: large.toString('base64') }, /^cannot read the picture: more than 4.2 megapixels$/],
      [{ image, mask: btoa('no mask') }, /^cannot read the mask: not a picture$/],
      [{ image, strength: 1.1 }, /^strength: too big/],
      [{ mask }, /there is no picture to edit$/],
      [{ strength: 0.5 }, /there is no picture to edit$/],
      ...[-2, 1.5, 4294967296, 'owl', null].map((seed): [object, RegExp] => [
        { seed },
        /^seed: expected a whole number from 0 to 4294967295, or -1 or random, which draw one$/,
      ]),
      [{ to: { seed: 1 } }, /^to: one picture needs a weight/],
      [{ to: { weight: 1 } }, /^to: a prompt or a seed is missing/],
      [{ to: { seed: 1, weight: 2 } }, /^to\.weight: too big/],
    ]
    for (const [body, message] of cases) {
      const response = await server.post('/generate', body)
      expect([response.status, (await response.json()).error.message]).toEqual([
        400,
        expect.stringMatching(message),
      ])
    }
  })
})
