/** What the server does not do for anybody, however it is asked, and what it does not keep. */
import { getEventListeners } from 'node:events'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createServer } from '../../packages/onestroke/src/server/index.js'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })
let server: Awaited<ReturnType<typeof createServer>>
beforeAll(async () => {
  server = await createServer('models/emoji-16-student', { queue: 20 })
})
afterAll(() => server.app.close())

describe('what would cost too much', () => {
  it('is refused: pictures of hundreds of megapixels, and more than may ever wait', async () => {
    const ask = (body: object) => server.app.inject({ method: 'POST', url: '/generate', body })
    const large = await ask({ n: 4, scale: 64, steps: 1, format: 'json' })
    expect(large.statusCode).toBe(200)
    const larger = await ask({ n: 17, scale: 64, steps: 1 })
    expect(larger.statusCode).toBe(400)
    expect(larger.json().error.message).toContain('megapixels')
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
