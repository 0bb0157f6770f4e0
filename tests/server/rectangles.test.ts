/** The server of a model whose pictures are no squares, by each of its three ways of being asked. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, expect, it } from 'vitest'
import { untrained, untrainedAutoencoder } from '../../packages/onestroke/src/model/testing.js'
import { start } from './testing.js'

const folder = await mkdtemp(join(tmpdir(), 'onestroke-server-'))
afterAll(() => rm(folder, { recursive: true, force: true }))
const { path } = await untrained(folder, { height: 24, width: 48 })
const server = await start({}, path)

const ask = async (path: string, body: object) => {
  const response = await server.post(path, body)
  return { status: response.status, json: await response.json() }
}
const sizeOf = async (b64: string) => {
  const { width, height } = await sharp(Buffer.from(b64, 'base64')).metadata()
  return `${width}x${height}`
}
const pixels = (b64: string) => sharp(Buffer.from(b64, 'base64')).removeAlpha().raw().toBuffer()
/** A picture that was enlarged by 2, red with a blue right half, and a mask over that half. */
const halves = async (left: string, right: string) => {
  const half = (colour: string) =>
    sharp({ create: { width: 48, height: 48, channels: 3, background: colour } }).png()
  const picture = await half(left).extend({ right: 48, background: right }).toBuffer()
  return picture.toString('base64')
}

it('says its size', async () => {
  expect(await (await fetch(`${server.url}/model`)).json()).toMatchObject({
    resolution: [24, 48],
    channels: 3,
  })
  const page = await (await fetch(server.url)).text()
  expect(page).toContain('a student of 48×24 pixels')
  expect(page).toContain('&#34;size&#34;:&#34;240x120&#34;')
})

it('paints in its proportions, and keeps what a mask leaves', async () => {
  const { json } = await ask('/generate', { prompt: 'cat', seed: 3, n: 2, scale: 3, format: 'json' })
  expect([json.width, json.height]).toEqual([144, 72])
  for (const { b64 } of json.images) expect(await sizeOf(b64)).toBe('144x72')
  const [image, mask] = [await halves('#ff0000', '#0000ff'), await halves('#000000', '#ffffff')]
  const edited = await ask('/generate', { prompt: 'cat', seed: 3, image, mask, format: 'json' })
  const found = await pixels(edited.json.images[0].b64)
  expect(found).toHaveLength(3 * 24 * 48)
  for (const [y, x] of [
    [0, 0],
    [23, 23],
  ] as const)
    expect([...found.subarray(3 * (48 * y + x), 3 * (48 * y + x) + 3)]).toEqual([255, 0, 0])
  expect([...found.subarray(3 * 40, 3 * 41)]).not.toEqual([0, 0, 255])
})

it('gives OpenAI’s clients its own size, and others', async () => {
  for (const [size, expected] of [
    ['auto', '48x24'],
    ['96x48', '96x48'],
    ['256x256', '256x256'],
    ['4096x1', '4096x1'],
    ['1x4096', '1x4096'],
  ]) {
    const { json } = await ask('/v1/images/generations', { prompt: 'dog', seed: 3, size })
    expect([json.size, await sizeOf(json.data[0].b64_json)]).toEqual([expected, expected])
  }
})

it('gives AUTOMATIC1111’s tools its proportions where they ask for none', async () => {
  const { json } = await ask('/sdapi/v1/txt2img', { prompt: 'dog', seed: 3 })
  expect(await sizeOf(json.images[0])).toBe('512x256')
  expect(json.parameters).toMatchObject({ width: 512, height: 256 })
  const asked = await ask('/sdapi/v1/img2img', {
    prompt: 'dog',
    init_images: [await halves('#ff0000', '#0000ff')],
    mask: await halves('#000000', '#ffffff'),
    denoising_strength: 1,
    mask_blur: 4,
    width: 96,
    height: 48,
  })
  expect(await sizeOf(asked.json.images[0])).toBe('96x48')
  expect([...(await pixels(asked.json.images[0])).subarray(0, 3)]).toEqual([255, 0, 0])
})

it('paints in latents as well, and keeps what a mask leaves', async () => {
  const autoencoder = untrainedAutoencoder()
  const model = await untrained(join(folder, 'latents'), { height: 32, width: 48 }, { autoencoder })
  const { post } = await start({}, model.path)
  const [image, mask] = [await halves('#ff0000', '#0000ff'), await halves('#000000', '#ffffff')]
  const answer = await post('/generate', { prompt: 'cat', image, mask, format: 'json' })
  const { images, width, height } = await answer.json()
  expect([width, height]).toEqual([48, 32])
  const found = await pixels(images[0].b64)
  const at = (x: number, y: number) => [...found.subarray(3 * (48 * y + x), 3 * (48 * y + x) + 3)]
  for (const [x, y] of [
    [0, 0],
    [15, 31],
  ] as const)
    expect(at(x, y)).toEqual([255, 0, 0])
  expect(at(40, 16)).not.toEqual([0, 0, 255])
})
