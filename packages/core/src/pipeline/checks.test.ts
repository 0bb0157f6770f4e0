import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UserError } from '../errors/index.js'
import { checkNumbers, MOST_SEED, seedsFrom } from './checks.js'

const saidOf = (options: Parameters<typeof checkNumbers>[0]): string | undefined => {
  try {
    checkNumbers(options)
    return undefined
  } catch (error) {
    expect(error).toBeInstanceOf(UserError)
    return (error as Error).message
  }
}

const noWhole = fc.oneof(
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53),
  fc.integer({ max: -1 }),
  fc.double({ noInteger: true, noNaN: true }),
)
const noShare = fc.oneof(
  fc.constant(Number.NaN),
  fc.double({ min: 1 + Number.EPSILON }),
  fc.double({ max: -Number.MIN_VALUE }),
)

describe('the numbers of sampling', () => {
  it('pass as they should be', () => {
    fc.assert(
      fc.property(
        fc.record({
          num_inference_steps: fc.integer({ min: 1 }),
          seed: fc.nat(MOST_SEED),
          seeds: fc.array(fc.nat(MOST_SEED)),
          gamma: fc.double({ min: 0, max: 1, noNaN: true }),
          guidance_scale: fc.double({ noNaN: true, noDefaultInfinity: true }),
          to: fc.record({ weights: fc.array(fc.double({ min: 0, max: 1, noNaN: true })) }),
        }),
        (options) => {
          expect(saidOf(options)).toBeUndefined()
        },
      ),
    )
    expect(saidOf({})).toBeUndefined()
  })

  it('are named where they are wrong', () => {
    fc.assert(
      fc.property(noWhole, noShare, (whole, share) => {
        expect(saidOf({ seed: whole })).toBe(`\`seed\` is a whole number from 0 to 4294967295, not ${whole}`)
        expect(saidOf({ seeds: [1, whole] })).toBe(saidOf({ seed: whole }))
        expect(saidOf({ to: { seed: whole, weights: [] } })).toMatch(/^`to\.seed` is a whole number from 0/)
        expect(saidOf({ num_inference_steps: whole })).toContain(
          '`num_inference_steps` is a whole number from 1',
        )
        expect(saidOf({ gamma: share })).toBe(`\`gamma\` is between 0 and 1, not ${share}`)
        expect(saidOf({ to: { weights: [0.5, share] } })).toContain('`to.weights` is between 0 and 1')
      }),
    )
    expect(saidOf({ seed: 2 ** 32 })).toBe('`seed` is a whole number from 0 to 4294967295, not 4294967296')
    expect(saidOf({ num_inference_steps: 0 })).toBe('`num_inference_steps` is a whole number from 1, not 0')
    expect(saidOf({ guidance_scale: Number.NaN })).toBe('`guidance_scale` is a number, not NaN')
  })
})

describe('the seeds of a batch', () => {
  it('count on from its own, and begin again after the largest', () => {
    expect(seedsFrom(5, 3)).toEqual([5, 6, 7])
    expect(seedsFrom(MOST_SEED - 1, 4)).toEqual([MOST_SEED - 1, MOST_SEED, 0, 1])
  })
})
