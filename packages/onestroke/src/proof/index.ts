export { prove } from './proof.js'
