/** What `export` can write, with a line of help for each. */
export const TARGETS = {
  node: 'graph and manifest',
  web: 'also a page, and all that it needs from any static server',
  model: 'a model folder again (safetensors), which every command takes',
} as const

export type Target = keyof typeof TARGETS
