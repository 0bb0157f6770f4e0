export { UserError } from '@onestroke/core/formats'
