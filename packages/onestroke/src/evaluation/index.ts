export { pictureOf } from './distort.js'
export { type EvaluateOptions, evaluate, TEACHER_SETTINGS, type TeacherSetting } from './evaluate.js'
export { trainFeatureNetwork } from './feature-network.js'
export { FeatureExtractor, type FeatureOptions, featuresFor, featuresOfDataset } from './features.js'
