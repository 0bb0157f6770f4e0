/** `serve` as a process: it says where it is, answers, and ends when it is told to. */
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { fails, onestroke, scratch } from './testing.js'

await scratch()
const MODEL = 'models/emoji-16-guided'

describe('serve', () => {
  it('answers until it is told to end, and ends well', async () => {
    const asked: Promise<number>[] = []
    const { status, stdout, stderr } = await onestroke(['serve', MODEL, '--port', '0'], {
      onSaid: async (text, kill) => {
        const [, url] = /(http:\/\/127\.0\.0\.1:\d+) paints with /.exec(text) ?? []
        if (!url || asked.length > 0) return
        asked.push(
          fetch(`${url}/generate`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ prompt: 'owl' }),
          }).then((response) => response.status),
        )
        await asked[0]
        kill('SIGTERM')
      },
    })
    expect([status, stdout]).toEqual([0, ''])
    expect(await asked[0]).toBe(200)
    expect(stderr).toContain('closing: what was accepted is finished first')
  })

  it('refuses in one line', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => taken.once('listening', resolve))
    const { port } = taken.address() as { port: number }
    expect(await fails(['serve', MODEL, '--port', String(port)], 1)).toBe(
      `port ${port} of 127.0.0.1 is taken; choose another --port, or 0 for a free one`,
    )
    taken.close()
    expect(await fails(['serve', MODEL, '--host', '0.0.0.0'], 2)).toMatch(
      /there is no token; set ONESTROKE_TOKEN/,
    )
    expect(await fails(['serve', 'models/nowhere'], 2)).toMatch(
      /^there is no models\/nowhere; a model is a folder/,
    )
    expect(await fails(['serve', MODEL, '--port', 'x'], 2)).toMatch(/must be an integer/)
  })
})
