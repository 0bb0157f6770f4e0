/** The server as tools meet it that speak to AUTOMATIC1111's web UI: with what they send unasked. */
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { start } from './testing.js'

const server = await start()

const ask = async (path: string, body?: object) => {
  const response = await (body
    ? server.post(`/sdapi/v1/${path}`, body)
    : fetch(`${server.url}/sdapi/v1/${path}`))
  return { status: response.status, json: await response.json() }
}
const pixels = async (b64: string, side = 16) => [
  ...(await sharp(Buffer.from(b64, 'base64'))
    .resize(side, side, { kernel: 'nearest' })
    .removeAlpha()
    .raw()
    .toBuffer()),
]
const far = (a: readonly number[], b: readonly number[]) =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)))
/** What /generate paints. */
const painted = async (body: object) =>
  (await (await server.post('/generate', { format: 'json', ...body })).json()).images
/** As web pages for chats send it. */
const UNASKED = {
  sampler_name: 'Euler a',
  scheduler: 'karras',
  cfg_scale: 7,
  override_settings: { CLIP_stop_at_last_layers: 1 },
  restore_faces: false,
  enable_hr: false,
  clip_skip: 1,
  save_images: false,
}

describe('txt2img', () => {
  it('paints what /generate paints', async () => {
    const asked = { prompt: 'owl', seed: 7, steps: 2 }
    const { status, json } = await ask('txt2img', {
      ...asked,
      width: 256,
      height: 256,
      batch_size: 2,
      n_iter: 2,
    })
    expect(status).toBe(200)
    expect(json).not.toHaveProperty('warnings')
    const expected = await painted({ ...asked, n: 4 })
    for (const [i, image] of json.images.entries()) {
      expect((await sharp(Buffer.from(image, 'base64')).metadata()).width).toBe(256)
      expect(far(await pixels(image), await pixels(expected[i].b64))).toBeLessThanOrEqual(1)
    }
    expect(JSON.parse(json.info)).toMatchObject({
      seed: 7,
      all_seeds: [7, 8, 9, 10],
      width: 256,
      cfg_scale: 1,
    })
    expect(json.parameters).toMatchObject({ prompt: 'owl', n_iter: 2 })
  })

  it('takes what tools send unasked, and says what became of it', async () => {
    const { status, json } = await ask('txt2img', {
      ...UNASKED,
      prompt: 'owl',
      seed: 7,
      negative_prompt: 'face',
    })
    expect(status).toBe(200)
    const [expected] = await painted({ prompt: 'owl', seed: 7, guidance_scale: 3, negative_prompt: 'face' })
    expect(far(await pixels(json.images[0]), await pixels(expected.b64))).toBeLessThanOrEqual(1)
    expect((await sharp(Buffer.from(json.images[0], 'base64')).metadata()).width).toBe(512)
    expect(json.warnings).toEqual([
      'cfg_scale: this model takes 1 to 3; 3 was taken',
      'sampler_name: this model has consistency; its own was taken',
      'not known here, and not looked at: clip_skip',
    ])
    expect(JSON.parse(json.info).warnings).toEqual(json.warnings)
  })

  it('knows the solvers of a diffusion model by the names that tools have', async () => {
    const teacher = await start({}, 'models/emoji-16-teacher')
    const asked = { prompt: 'owl', seed: 7, steps: 3 }
    const { images } = await (
      await teacher.post('/sdapi/v1/txt2img', {
        ...asked,
        sampler_name: 'DPM++ 2M',
        cfg_scale: 2,
        width: 16,
        height: 16,
      })
    ).json()
    const how = { ...asked, solver: 'dpmpp_2m', guidance_scale: 2, format: 'json' }
    const expected = await (await teacher.post('/generate', how)).json()
    expect(images).toEqual([expected.images[0].b64])
    // What every object has is no solver.
    const strange = await teacher.post('/sdapi/v1/txt2img', { ...asked, sampler_name: 'constructor' })
    expect(strange.status).toBe(200)
    expect(strange.headers.get('x-onestroke-warnings') ?? JSON.stringify(await strange.json())).toContain(
      'sampler_name',
    )
    const names = (await (await fetch(`${teacher.url}/sdapi/v1/samplers`)).json()).map(
      ({ name }: { name: string }) => name,
    )
    expect(names).toEqual(['DDIM', 'Heun', 'DPM++ 2M'])
  })

  it('draws seeds where -1 or random is sent, or none', async () => {
    const drawn = await Promise.all(
      [-1, 'random', undefined].map((seed) => ask('txt2img', { prompt: 'owl', seed, width: 16, height: 16 })),
    )
    const seeds = drawn.map(({ json }) => JSON.parse(json.info).seed)
    expect(new Set(seeds).size).toBe(3)
    expect(seeds.every((seed) => Number.isInteger(seed) && seed >= 0)).toBe(true)
  })

  it('has any size: the picture covers it, and is cropped to its middle', async () => {
    const [own, wide] = await Promise.all([
      ask('txt2img', { prompt: 'owl', seed: 3, width: 64, height: 64 }),
      ask('txt2img', { prompt: 'owl', seed: 3, width: 64, height: 32 }),
    ])
    expect(wide!.json.parameters).toMatchObject({ width: 64, height: 32 })
    const bytesOf = (b64: string) => sharp(Buffer.from(b64, 'base64')).removeAlpha()
    const middle = bytesOf(own!.json.images[0]).extract({ left: 0, top: 16, width: 64, height: 32 })
    expect(await bytesOf(wide!.json.images[0]).raw().toBuffer()).toEqual(await middle.raw().toBuffer())
  })

  it.each([
    [{ width: 4096, height: 4096 }, 'a picture has at most 4, which is 2048×2048'],
    [{ n_iter: 9, batch_size: 8 }, 'n_iter × batch_size are 72 pictures, and a request has at most 64'],
  ])('is refused where it cannot be had: %j', async (fields, message) => {
    const { status, json } = await ask('txt2img', { prompt: 'owl', ...fields })
    expect([status, json.error.message]).toEqual([400, expect.stringContaining(message)])
  })
})

describe('img2img', () => {
  it('paints a picture again, and where the mask is white', async () => {
    const yellow = await sharp({ create: { width: 16, height: 16, channels: 3, background: '#fd0' } })
      .png()
      .toBuffer()
    const right = Buffer.from(Array.from({ length: 256 }, (_, i) => (i % 16 < 8 ? 0 : 255)))
    const mask = (
      await sharp(right, { raw: { width: 16, height: 16, channels: 1 } })
        .png()
        .toBuffer()
    ).toString('base64')
    const image = yellow.toString('base64')
    const asked = { prompt: 'owl', seed: 7 }
    const { json } = await ask('img2img', { ...asked, init_images: [`data:image/png;base64,${image}`] })
    const [expected] = await painted({ ...asked, image, strength: 0.75 })
    expect(far(await pixels(json.images[0]), await pixels(expected.b64))).toBeLessThanOrEqual(1)
    const masked = await ask('img2img', { ...asked, init_images: [image], mask, denoising_strength: 1 })
    const [filled] = await painted({ ...asked, image, mask, strength: 1 })
    expect(far(await pixels(masked.json.images[0]), await pixels(filled.b64))).toBeLessThanOrEqual(1)
    // The web UI paints what is opaque of a mask with holes, whatever its colour.
    const black = Buffer.from(Array.from({ length: 256 }, (_, i) => [0, 0, 0, i % 16 < 8 ? 0 : 255]).flat())
    const opaque = (
      await sharp(black, { raw: { width: 16, height: 16, channels: 4 } })
        .png()
        .toBuffer()
    ).toString('base64')
    const alike = await ask('img2img', {
      ...asked,
      init_images: [image],
      mask: opaque,
      denoising_strength: 1,
    })
    expect(await pixels(alike.json.images[0])).toEqual(await pixels(masked.json.images[0]))
    const none = await ask('img2img', { ...asked, init_images: [] })
    expect([none.status, none.json.error.message]).toEqual([400, expect.stringContaining('init_images: ')])
  })

  /** A grey PNG of 16×16 pixels, or one of black and transparency, from the column that is right of it. */
  const png = (channels: 1 | 4, pixel: (x: number) => number[]) =>
    sharp(Buffer.from(Array.from({ length: 256 }, (_, i) => pixel(i % 16)).flat()), {
      raw: { width: 16, height: 16, channels },
    })
      .png()
      .toBuffer()
  const text = async (bytes: Promise<Buffer>) => (await bytes).toString('base64')
  const flat = () => text(png(4, () => [255, 220, 0, 255]))
  const right = () => text(png(1, (x) => [x < 8 ? 0 : 255]))
  const left = () => text(png(1, (x) => [x < 8 ? 255 : 0]))
  const inpaint = async (fields: object) =>
    ask('img2img', {
      prompt: 'owl',
      seed: 7,
      denoising_strength: 1,
      width: 16,
      height: 16,
      init_images: [await flat()],
      ...fields,
    })

  it('paints what the mask leaves out where it is inverted, whatever the mask is made of', async () => {
    // Recipes tell which mask was sent.
    const pictureOf = async (fields: object) => {
      const { json } = await inpaint(fields)
      expect(json).not.toHaveProperty('warnings')
      return pixels(json.images[0])
    }
    const expected = await pictureOf({ mask: await left() })
    expect(await pictureOf({ mask: await right() })).not.toEqual(expected)
    const opaque = await text(png(4, (x) => [0, 0, 0, x < 8 ? 0 : 255]))
    for (const mask of [await right(), opaque])
      for (const inpainting_mask_invert of [1, true])
        expect(await pictureOf({ mask, inpainting_mask_invert })).toEqual(expected)
    expect(await pictureOf({ mask: await left(), inpainting_mask_invert: 0 })).toEqual(expected)
    const wrong = await inpaint({ mask: await left(), inpainting_mask_invert: 2 })
    expect([wrong.status, wrong.json.error.message]).toEqual([
      400,
      expect.stringContaining('inpainting_mask_invert'),
    ])
  })

  it('blurs the edges of a mask by pixels of the picture that is asked for', async () => {
    const kept = async (fields: object, side: number) => {
      const { json } = await inpaint({ mask: await right(), width: side, height: side, ...fields })
      const before = [255, 220, 0]
      const all = await pixels(json.images[0])
      /** How far each column is from what it was. */
      return Array.from({ length: 16 }, (_, x) =>
        Math.max(
          ...all.map((value, i) => (Math.floor(i / 3) % 16 === x ? Math.abs(value - before[i % 3]!) : 0)),
        ),
      )
    }
    const sharpEdge = await kept({}, 16)
    expect(Math.max(...sharpEdge.slice(0, 8))).toBeLessThanOrEqual(1)
    const blurred = await kept({ mask_blur: 2 }, 16)
    expect(blurred[7]).toBeGreaterThan(3)
    expect(Math.max(...blurred.slice(0, 2))).toBeLessThanOrEqual(1)
    // Four pixels of 512 are an eighth of one of the model's.
    expect(Math.max(...(await kept({ mask_blur: 4 }, 512)).slice(0, 7))).toBeLessThanOrEqual(1)
  })

  it('begins from the picture under the mask, and refuses what would begin from something else', async () => {
    const mask = await right()
    const { status, json } = await inpaint({ mask, denoising_strength: 0.5, inpainting_fill: 0 })
    expect([status, json.error.message]).toEqual([
      400,
      'inpainting_fill: the masked part begins from the picture itself, which is 1; send that, or a denoising_strength of 1, and not 0',
    ])
    for (const fields of [
      { mask, denoising_strength: 0.5, inpainting_fill: 1 },
      { mask, denoising_strength: 1, inpainting_fill: 2 },
      { denoising_strength: 0.5, inpainting_fill: 0 },
    ])
      expect((await inpaint(fields)).status).toBe(200)
  })
})

describe('what tools ask first', () => {
  it('is answered', async () => {
    expect((await ask('sd-models')).json).toMatchObject([
      { title: 'emoji-16-guided', model_name: 'emoji-16-guided' },
    ])
    expect((await ask('samplers')).json).toEqual([{ name: 'consistency', aliases: [], options: {} }])
    expect((await ask('options')).json.sd_model_checkpoint).toBe('emoji-16-guided')
    expect(await ask('options', { sd_model_checkpoint: 'emoji-16-guided' })).toEqual({
      status: 200,
      json: null,
    })
    expect(await ask('options', { sd_model_checkpoint: 'other' })).toMatchObject({
      status: 400,
      json: { error: { message: 'sd_model_checkpoint: there is no model other; there is emoji-16-guided' } },
    })
  })
})
