export interface UserErrorOptions {
  /** What to do about it. */
  readonly remedy?: string | undefined
  /** The option or argument that is wrong, by its name in the library: `guidance_scale`, `data`. */
  readonly option?: string | undefined
  readonly cause?: unknown
}

/**
 * An error that people can act on: a missing file, an impossible option, a broken archive. Faces print `message` (and
 * `remedy`, if any) on one line and no stack trace.
 *
 * The library knows no face. Where a text names an option, it does so by the option's name in the library, in backticks:
 * "leave out `guidance_scale`". A face puts its own name in its place: see `inWords`.
 */
export class UserError extends Error {
  override readonly name = 'UserError'
  readonly remedy: string | undefined
  readonly option: string | undefined

  constructor(message: string, { remedy, option, cause }: UserErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.remedy = remedy
    this.option = option
  }
}
