export { type Proof, type ProofOptions, prove } from './proof.js'
