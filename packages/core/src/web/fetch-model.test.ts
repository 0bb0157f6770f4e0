import { afterEach, expect, it, vi } from 'vitest'
import type { Manifest } from '../pipeline/index.js'
import { fetchGraphs } from './fetch-model.js'

afterEach(() => vi.unstubAllGlobals())

it('progress is that of all graphs together', async () => {
  const [first, second] = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5)]
  // A model of two graphs, of which the second comes in two parts. Without https there is no hash: the length must do.
  const parts = new Map([
    ['https://models.example/a.onnx', [first]],
    ['https://models.example/b.onnx', [second.subarray(0, 1), second.subarray(1)]],
  ])
  vi.stubGlobal('isSecureContext', false)
  vi.stubGlobal(
    'fetch',
    async (address: URL) =>
      new Response(
        new ReadableStream({
          start(controller) {
            for (const part of parts.get(address.href)!) controller.enqueue(part)
            controller.close()
          },
        }),
      ),
  )
  const graphs = {
    denoiser: { file: 'a.onnx', bytes: 3, sha256: '' },
    other: { file: 'b.onnx', bytes: 2, sha256: '' },
  } as unknown as Manifest['graphs']
  const seen: number[][] = []
  const fetched = await fetchGraphs({ graphs }, new URL('https://models.example/manifest.json'), {
    cache: false,
    onProgress: (loaded, total) => seen.push([loaded, total]),
  })
  expect(fetched).toEqual({ denoiser: first, other: second })
  expect(seen).toEqual([
    [3, 5],
    [4, 5],
    [5, 5],
  ])
})
