export { openCatalogue, shippedModels } from './catalogue.js'
export type { StudioGuard } from './guard.js'
export { studioServer, writeSite } from './server.js'
