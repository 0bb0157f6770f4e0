import { UserError } from '@onestroke/core/errors'

/** A command line that asks for what there is not: exit status 2. */
export class UsageError extends UserError {}
