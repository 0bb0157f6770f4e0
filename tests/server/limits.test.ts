/** What the server does not do for anybody, however it is asked, and what it does not keep. */
import { getEventListeners } from 'node:events'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createServer } from '../../packages/onestroke/src/server/index.js'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })
let server: Awaited<ReturnType<typeof createServer>>
beforeAll(async () => {
  server = await createServer('models/emoji-16-guided', { queue: 20 })
})
afterAll(() => server.app.close())

describe('an order of more pictures than a run may have', () => {
  it('takes several runs, and its pictures are the same', async () => {
    const small = await createServer('models/emoji-16-guided', { batch: 4 })
    const ask = async ({ app }: typeof server, body: object) => {
      const { images } = (await app.inject({ method: 'POST', url: '/generate', body })).json()
      return images.map(({ b64 }: { b64: string }) => b64)
    }
    const way = { prompt: 'owl', seed: 3, steps: 1, to: { prompt: 'pizza' } }
    const several = { prompt: 'red heart', seed: 7, steps: 1 }
    const paint = vi.spyOn(small.service.scheduler.painter, 'paint')
    for (const body of [way, several].map((one) => ({ ...one, n: 10, format: 'json' })))
      expect(await ask(small, body)).toEqual(await ask(server, body))
    expect(paint.mock.calls.map(([{ prompts }]) => prompts.length)).toEqual([4, 4, 2, 4, 4, 2])
    await small.app.close()
  })
})

describe('what would cost too much', () => {
  it('is refused: pictures of hundreds of megapixels, and more than may ever wait', async () => {
    const ask = (body: object) => server.app.inject({ method: 'POST', url: '/generate', body })
    const large = await ask({ n: 4, scale: 64, steps: 1, format: 'json' })
    expect(large.statusCode).toBe(200)
    const larger = await ask({ n: 11, scale: 64, steps: 1 })
    expect(larger.statusCode).toBe(400)
    expect(larger.json().error.message).toContain('are 11 megapixels, and an answer has at most 10')
    const many = await ask({ n: 32, steps: 1 })
    expect([many.statusCode, many.json().error.message]).toEqual([
      400,
      '32 pictures are more than 20, which may wait here',
    ])
  })

  it('leaves no listeners behind on a signal that lives on', async () => {
    const { scheduler } = server.service
    const { signal } = new AbortController()
    const order = { prompts: ['owl'], seeds: [1], settings: { num_inference_steps: 1 }, signal }
    for (let i = 0; i < 12; i++) await scheduler.paint(order)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})
