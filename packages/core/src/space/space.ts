import { z } from 'zod'

/** In what a model's denoiser works, on its way between noise and pictures: stored in config.json, where `pixels` is not written. */
export const spaceSchema = z.discriminatedUnion('kind', [
  /** The pictures' own values. */
  z.strictObject({ kind: z.literal('pixels') }),
])
export type Space = z.infer<typeof spaceSchema>
