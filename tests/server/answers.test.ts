/** Large answers wait for their turn. */
import { describe, expect, it } from 'vitest'
import { pngGrid, pngOf } from '../../packages/onestroke/src/formats/index.js'
import { Encoder, type Painted } from '../../packages/onestroke/src/server/answers.js'

const painted = (count: number, scale: number): Painted => ({
  count,
  scale,
  channels: 3,
  height: 16,
  width: 16,
  data: Float32Array.from({ length: count * 768 }, (_, i) => Math.sin(i)),
})
const { signal } = new AbortController()

describe('an encoder', () => {
  it('takes so many large answers at once, in turn, and small ones always', async () => {
    const encoder = new Encoder(2)
    const order: number[] = []
    const large = [0, 1, 2, 3, 4].map((i) =>
      encoder.one(painted(4, 16), { format: 'png' }, signal).then((png) => {
        order.push(i)
        return png
      }),
    )
    expect(encoder.waiting).toBe(3)
    const [text] = await encoder.each(painted(1, 1), signal)
    expect(Buffer.from(text!, 'base64')).toEqual(await pngOf(painted(1, 1)))
    const expected = await pngGrid(painted(4, 16), { scale: 16 })
    for (const png of await Promise.all(large)) expect(png).toEqual(expected)
    // Each began when all but one of those before it were done.
    for (const [at, i] of order.entries()) expect(at).toBeGreaterThanOrEqual(i - 1)
    expect(encoder.waiting).toBe(0)
  })

  it('passes over those who have gone, and what fails keeps no turn', async () => {
    const encoder = new Encoder(1)
    const gone = new AbortController()
    const first = encoder.each(painted(3, 8), signal)
    const second = encoder.one(painted(4, 16), { format: 'png' }, gone.signal)
    const third = encoder.one(painted(4, 16), { format: 'webp' }, signal)
    gone.abort(new Error('gone'))
    await expect(second).rejects.toThrow('gone')
    expect(await first).toHaveLength(3)
    expect((await third).subarray(8, 12).toString()).toBe('WEBP')
    await expect(
      encoder.one({ ...painted(4, 16), data: new Float32Array(9) }, { format: 'png' }, signal),
    ).rejects.toThrow(/expected 3072 floats/)
    await encoder.one(painted(4, 16), { format: 'png' }, signal)
  })
})
