import { UserError } from '@onestroke/core/errors'

/** A wrong command line: exit status 2. */
export class UsageError extends UserError {}
