import { expect, it } from 'vitest'
import { psnr } from './index.js'

const flat = (value: number, size = 12) => new Float32Array(size).fill(value)

it('is told in decibels of the whole range', () => {
  // A hundredth of the range everywhere: 40 dB.
  expect(psnr(flat(0.02), flat(0), 1)[0]).toBeCloseTo(40, 4)
  expect(psnr(flat(0.2), flat(0), 1)[0]).toBeCloseTo(20, 4)
  expect(psnr(flat(0.3), flat(0.3), 1)).toEqual([Number.POSITIVE_INFINITY])
})

it('tells each picture’s own', () => {
  const painted = Float32Array.from([...flat(0.02, 4), ...flat(0.2, 4)])
  const [first, second] = psnr(painted, flat(0, 8), 2)
  expect(first).toBeCloseTo(40, 4)
  expect(second).toBeCloseTo(20, 4)
})

it('clips what no picture can show', () => {
  expect(psnr(flat(3), flat(1), 1)).toEqual([Number.POSITIVE_INFINITY])
})

it('refuses pictures of other sizes', () => {
  expect(() => psnr(flat(0, 4), flat(0, 8), 1)).toThrow('4 and 8 numbers of 1 pictures')
})
