export { UserError, type UserErrorOptions } from './user-error.js'
export { inWords, told, type Words } from './words.js'
