/** Pictures to learn from: from icon sets, folders, MNIST's format and WebDataset archives to bytes in memory. */
export { type DataOptions, type Dataset, NoCommonSize, sealed, sizeOf, spread } from './dataset.js'
export { type ImageOptions, readImage, readMask } from './image.js'
export { loadDataset } from './load.js'
export { isPictureName } from './picture-name.js'
export { type Augment, readPicture } from './read-picture.js'
export { abbreviate, someOf } from './remarks.js'
export { Shuffle } from './shuffle.js'
export { captionsNeverRepeat, summaryOf } from './summary.js'
