import { describe } from 'vitest'
import { browserLacks, webgpuLacks } from './browser.js'

/** Tests that are skipped where something is missing; their name then says what. */
const describeUnless =
  (lacks: string | undefined) =>
  (name: string, tests: () => void): void => {
    describe.skipIf(lacks !== undefined)(`${name}${lacks ? `: ${lacks}` : ''}`, tests)
  }

/** Tests in a real browser. */
export const describeInBrowser = describeUnless(browserLacks)
/** Tests in a real browser that has WebGPU. */
export const describeOnWebgpu = describeUnless(webgpuLacks)
