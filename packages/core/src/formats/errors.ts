/**
 * An error that the person at the keyboard can act on: a missing file, an impossible option, a broken archive.
 * Faces print `message` (and `remedy`, if any) on one line and no stack trace. `exitCode` is 1 for something that
 * failed and 2 for wrong usage.
 */
export class UserError extends Error {
  override readonly name = 'UserError'
  readonly remedy: string | undefined
  readonly exitCode: 1 | 2

  constructor(message: string, options: { remedy?: string; exitCode?: 1 | 2; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.remedy = options.remedy
    this.exitCode = options.exitCode ?? 1
  }
}
