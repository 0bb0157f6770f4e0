import { UserError } from '@onestroke/core/errors'
import { type Program, trace } from '@onestroke/core/tensor'
import { describe, expect, it } from 'vitest'
import { checkMemory, peakBytes } from './memory.js'

/** x [n] → four passes over it, of which two live at once, then a sum. */
const chain = (n: number): Program =>
  trace({ x: [n] }, ({ x }) => ({ y: x!.exp().exp().reshape([n, 1]).stopGradient().exp().exp().sum() }))

const chains = (n: number) => [chain(n)]

describe('the peak of a program', () => {
  it('is what lives at once, not the sum of all', () => {
    expect(peakBytes(chain(100))).toBe(800)
    const kept = trace({ x: [100] }, ({ x }) => {
      const [a, b, c] = [x!.exp(), x!.sin(), x!.cos()]
      return { y: a.mul(b).mul(c) }
    })
    expect(peakBytes(kept)).toBe(1600)
  })

  it('counts outputs to the end, and each memory once', () => {
    const program = trace({ x: [100] }, ({ x }) => {
      const a = x!.exp()
      return { a, again: a.reshape([10, 10]), b: a.exp().exp() }
    })
    expect(peakBytes(program)).toBe(1200)
    expect(peakBytes(trace({ x: [8] }, ({ x }) => ({ y: x! })))).toBe(0)
  })
})

describe('the check', () => {
  // Each picture takes 2 × 8 bytes at the peak and 3 × 4 for its inputs.
  const each = 28

  const refusal = (batch: number, memory: number): UserError => {
    try {
      checkMemory(batch, chains, memory)
    } catch (error) {
      if (error instanceof UserError) return error
      throw error
    }
    throw new Error('expected a UserError')
  }

  it('lets pass what fits', () => {
    expect(() => checkMemory(64, chains, 64 * each + 100)).not.toThrow()
    expect(() => checkMemory(10_000_000, chains, 1e9)).not.toThrow()
  })

  it('names a batch that does, and it does', () => {
    const memory = 100 * each
    const { message, remedy } = refusal(1000, memory)
    expect(message).toMatch(
      /^a batch of 1000 needs about 0\.000026 GiB of memory, but only 0\.0000026 GiB are free$/,
    )
    expect(remedy).toBe('`batch` 64 fits')
    checkMemory(64, chains, memory)
  })

  it('does not trace what would break the numbers', () => {
    for (const batch of [1e8, Number.MAX_SAFE_INTEGER])
      expect(refusal(batch, 1e9).remedy).toMatch(/^`batch` \d+ fits$/)
  })

  it('counts all kinds of steps that there are', () => {
    const two = (n: number) => [chain(n), chain(n)]
    checkMemory(64, two, 128 * each)
    expect(() => checkMemory(64, two, 127 * each)).toThrow('a batch of 64 needs')
  })

  it('says so if nothing fits', () => {
    expect(refusal(1, 1).remedy).toBe('choose a smaller `preset` or `resolution`')
  })

  it('knows this machine', () => {
    checkMemory(1, chains)
    expect(() => checkMemory(1e15, chains)).toThrow(UserError)
  })
})
