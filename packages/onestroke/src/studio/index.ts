export { openCatalogue, shippedModels } from './catalogue.js'
export { studioServer, writeSite } from './server.js'
