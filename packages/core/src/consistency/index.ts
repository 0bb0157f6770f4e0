import type { Objective } from '../diffusion/index.js'
import { cd } from './cd.js'
import { ct } from './ct.js'
import { dmd } from './dmd.js'
import { ecd } from './ecd.js'
import { ecdGrid } from './ecd-grid.js'
import { ect } from './ect.js'
import { ict } from './ict.js'
import { lcm } from './lcm.js'
import { meanflow } from './meanflow.js'
import { scd, sct } from './scm.js'
import { soflow } from './soflow.js'

export { DEFAULT_STRENGTH, inpainting, slerp, strengthSigma } from './editing.js'
export { bilinear, pictureFeatures } from './perceptual.js'
export { flowMapEnds, lcmSigmas, type MultistepOptions, multistep, multistepSigmas } from './sampler.js'

/** The default: see the table of methods in the documentation. */
export const DEFAULT_METHOD = ecd.name

/** Every method that makes a student, by name. */
export const METHODS: Readonly<Record<string, Objective>> = Object.fromEntries(
  [ecd, ecdGrid, cd, lcm, scd, soflow, meanflow, dmd, ect, ict, sct, ct].map((method) => [
    method.name,
    method as unknown as Objective,
  ]),
)
