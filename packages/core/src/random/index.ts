export { permutation, Random, type RandomKey, STREAM } from './random.js'
