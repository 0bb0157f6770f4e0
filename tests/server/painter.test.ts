/** The server's painter: what it stops with, and what becomes of it when its thread ends. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '@onestroke/core/errors'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { boundlessOwl } from '../../packages/onestroke/src/model/testing.js'
import { createServer } from '../../packages/onestroke/src/server/index.js'
import type { PaintOrder } from '../../packages/onestroke/src/server/settings.js'

vi.setConfig({ testTimeout: 120_000 })
const closers: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const close of closers) await close()
})

const scratch = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'onestroke-painter-'))
  closers.push(() => rm(folder, { recursive: true }))
  return folder
}

describe('what nobody waits for any more', () => {
  it('is not painted to its end', async () => {
    const { app } = await createServer('models/emoji-16-teacher', { timeout: 0.5 })
    closers.push(() => app.close())
    const ask = (body: object) => app.inject({ method: 'POST', url: '/generate', body })
    const begin = performance.now()
    const large = await ask({ n: 64, steps: 128, solver: 'heun' })
    expect([large.statusCode, large.json().error.type]).toEqual([503, 'timeout'])
    // Alone it takes a few milliseconds; behind all that, it would be given up as well.
    await vi.waitFor(async () => expect((await ask({ steps: 1, solver: 'ddim' })).statusCode).toBe(200), {
      timeout: 3000,
    })
    expect(performance.now() - begin).toBeLessThan(5000)
  })
})

describe('what goes wrong while it paints', () => {
  it('is told apart: what a request is to blame for, and what it is not', async () => {
    const failures: string[] = []
    const { app, service } = await createServer('models/emoji-16-guided', {
      onFailure: ({ message }) => failures.push(message),
    })
    closers.push(() => app.close())
    const { painter } = service.scheduler
    const order = { prompts: ['owl'], seeds: [1] }
    await expect(painter.paint({ ...order, settings: { solver: 'heun' } })).rejects.toThrow(UserError)
    // Nothing that a client can send: it gets past the pipeline, and onnxruntime stumbles over it.
    const broken = { ...order, settings: {}, image: new Float32Array(5), mask: new Float32Array(5) }
    const failed = await painter.paint(broken).catch((error) => error)
    expect(failed).toBeInstanceOf(Error)
    expect(failed).not.toBeInstanceOf(UserError)

    const paint = vi.spyOn(painter, 'paint').mockRejectedValueOnce(failed)
    const answer = await app.inject({ method: 'POST', url: '/generate', body: { prompt: 'owl' } })
    expect(answer.statusCode).toBe(500)
    expect(answer.json().error).toEqual({ type: 'server_error', message: 'something went wrong' })
    expect(failures).toEqual([failed.message])
    paint.mockRestore()
  })
})

describe('a model that paints what is no picture', () => {
  it('is a failure, told to the client and counted; other prompts are painted', async () => {
    const failures: string[] = []
    const { app } = await createServer(await boundlessOwl(await scratch()), {
      onFailure: ({ message }) => failures.push(message),
    })
    closers.push(() => app.close())
    const ask = (prompt: string) => app.inject({ method: 'POST', url: '/generate', body: { prompt } })
    const message = 'the model painted values that are not finite, which is no picture'
    expect((await ask('cat')).statusCode).toBe(200)
    const answer = await ask('owl')
    expect([answer.statusCode, answer.json().error]).toEqual([500, { type: 'server_error', message }])
    expect(failures).toEqual([message])
    const { body } = await app.inject('/metrics')
    expect(body).toContain('onestroke_not_finite_runs_total 1\n')
    expect(body).toContain('onestroke_requests_total{route="/generate",status="500"} 1\n')
  })
})

describe('a painter that ends', () => {
  it('takes with it what it was painting, and nothing else', async () => {
    const { app, service } = await createServer('models/emoji-16-guided')
    closers.push(() => app.close())
    const ask = () => app.inject({ method: 'POST', url: '/generate', body: { prompt: 'owl', seed: 3 } })
    const { rawPayload: before } = await ask()
    const { painter } = service.scheduler
    // Nothing that a client can send: the worker stumbles over it, and ends.
    const broken = painter.paint({} as PaintOrder)
    await expect(broken).rejects.toThrow(/undefined/)
    const again = await ask()
    expect(again.statusCode).toBe(200)
    expect(again.rawPayload).toEqual(before)
  })
})
