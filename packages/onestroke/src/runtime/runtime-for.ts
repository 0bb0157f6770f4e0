/** Chooses the runtime for programs. This is the only place that does. */
import { UserError } from '@onestroke/core/errors'
import type { Runtime } from '@onestroke/core/tensor'
import { nodeRuntime } from './node.js'

/** The devices that can run programs. */
const DEVICES = ['cpu'] as const

export interface RuntimeOptions {
  /** Threads of one run, at most as many as there are cores. Default 0: what $ONESTROKE_THREADS says, or all cores. */
  readonly threads?: number
  /** Where programs run; `cpu` is all there is so far. */
  readonly device?: string
}

/** @throws UserError if there is no such device. */
export const runtimeFor = ({ threads = 0, device = 'cpu' }: RuntimeOptions = {}): Runtime => {
  const known = DEVICES.find((one) => one === device)
  switch (known) {
    case 'cpu':
      return nodeRuntime({ threads })
    case undefined:
      throw new UserError(`there is no device ${device}; there is ${DEVICES.join(', ')}`, {
        option: 'device',
      })
    default:
      return known satisfies never
  }
}
