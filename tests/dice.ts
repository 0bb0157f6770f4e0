/** Chance in tests, which can be repeated. */
import { Random, STREAM } from '@onestroke/core/random'

/** Numbers in [0, 1), one a call. Their seed is printed; ONESTROKE_TEST_SEED gives it again. */
export const dice = (what: string): (() => number) => {
  const seed = Number(process.env.ONESTROKE_TEST_SEED ?? Date.now() % 2 ** 32)
  console.log(`${what}: ONESTROKE_TEST_SEED=${seed}`)
  const random = new Random({ seed, stream: STREAM.sample, step: 0, index: 0 })
  return () => random.uniform()
}
