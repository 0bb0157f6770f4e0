import { fromOnnx, toOnnx, trace } from '@onestroke/core/tensor'
import { expect, it } from 'vitest'
import { nodeRuntime } from '../runtime/index.js'
import { seen, viewed, viewOf } from './view.js'

it('pictures up to 64 pixels are seen as they are', () => {
  const pictures = Float32Array.from({ length: 2 * 3 * 64 * 24 }, (_, i) => Math.sin(i))
  const shape = { channels: 3, height: 64, width: 24 }
  expect(viewOf(shape)).toEqual({ height: 64, width: 24 })
  expect(viewed(pictures, shape)).toBe(pictures)
  trace({ x: [2, 3, 64, 24] }, ({ x }) => {
    expect(seen(x)).toBe(x)
    return { x }
  })
})

it('larger ones are seen at 128 pixels, in the same proportions', () => {
  expect(viewOf({ height: 256, width: 256 })).toEqual({ height: 128, width: 128 })
  expect(viewOf({ height: 768, width: 512 })).toEqual({ height: 128, width: 84 })
  expect(viewOf({ height: 72, width: 96 })).toEqual({ height: 72, width: 96 })
  expect(viewOf({ height: 2048, width: 16 })).toEqual({ height: 128, width: 8 })
})

it.each([
  [256, 256],
  [200, 136],
  [96, 72],
])('the mean of each area is what is seen of %i×%i, in numbers as in a network', async (height, width) => {
  const shape = { channels: 2, height, width }
  const pictures = Float32Array.from(
    { length: 2 * 2 * height * width },
    (_, i) => Math.sin(0.01 * i) + (i % 3),
  )
  const view = viewOf(shape)
  const numbers = viewed(pictures, shape)
  expect(numbers).toHaveLength(2 * 2 * view.height * view.width)
  const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length
  expect(mean(numbers)).toBeCloseTo(mean(pictures), 4)
  // A constant stays one.
  const ones = viewed(new Float32Array(pictures.length).fill(0.7), shape)
  expect(Math.max(...ones)).toBeCloseTo(0.7, 5)
  expect(Math.min(...ones)).toBeCloseTo(0.7, 5)
  const program = trace({ x: [2, 2, height, width] }, ({ x }) => ({ y: seen(x) }))
  const executable = await nodeRuntime().compile(program)
  const { y } = await executable.run({ x: pictures })
  await executable.release()
  expect(program.outputs.y!.shape).toEqual([2, 32, view.height / 4, view.width / 4])
  // Square (0, 0) of the first channel: its first pixel comes first.
  expect(y![0]).toBeCloseTo(numbers[0]!, 4)
  const [found, expected] = [y!.slice().sort(), numbers.slice().sort()]
  expect(Math.max(...found.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-4)
  // What is exported can be part of a loss.
  expect(() => fromOnnx(toOnnx(program))).not.toThrow()
})
