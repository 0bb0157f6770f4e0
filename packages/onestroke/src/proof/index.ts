export { samplePrompts } from './prompts.js'
export { type Proof, type ProofOptions, prove } from './proof.js'
