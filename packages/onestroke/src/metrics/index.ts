/** How alike two sets of pictures are, by their features. Pure mathematics: the features come from `evaluation/`. */
export { teacherDistance } from './distance.js'
export type { Features } from './features.js'
export { floor } from './floor.js'
export { frechetDistance, type Gaussian, gaussianOf } from './frechet.js'
export { type KernelOptions, kernelDistance } from './kernel.js'
export { precisionRecall } from './precision-recall.js'
export { nearestReal, promptRetrieval } from './retrieval.js'
