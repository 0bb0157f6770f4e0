/** The studio's server: the built page, the models as exports, and what runs tell. For this machine alone. */
import { existsSync } from 'node:fs'
import { cp, readdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import fastifyStatic from '@fastify/static'
import { UserError } from '@onestroke/core/formats'
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify'
import { makeFolder } from '../model/index.js'
import { isAllowedOrigin, isOwnHost } from '../server/index.js'
import type { Catalogue } from './catalogue.js'
import { describeRun, listRuns, REPORT_FILE, runFolder, samplesFile } from './runs.js'

/** `models.json`: what the page offers. */
interface Offer {
  readonly models: Catalogue['entries']
  /** Whether there are runs to watch. */
  readonly runs: boolean
}

/** Folder of the built page. @throws UserError if it was not built. */
export const siteFolder = (): string => {
  const folder = join(
    dirname(createRequire(import.meta.url).resolve('@onestroke/studio/package.json')),
    'dist/site',
  )
  if (!existsSync(join(folder, 'index.html')))
    throw new UserError(`the studio's page is not in ${folder}`, { remedy: 'npm run build makes it' })
  return folder
}

/** Pages that are isolated from other origins may use threads. */
const ISOLATED = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
}

/** @param runs folders in which runs are looked for */
export const studioServer = async (
  catalogue: Catalogue,
  runs: readonly string[],
): Promise<FastifyInstance> => {
  const app = Fastify({ forceCloseConnections: true })
  const own = { host: '127.0.0.1', allowedHosts: [], cors: [] }
  app.addHook('onRequest', async ({ headers }, reply) => {
    reply.headers(ISOLATED)
    // Pages of other origins may not read what is here, by whatever name they call it.
    if (!isOwnHost(headers.host, own) || !isAllowedOrigin(headers.origin, headers.host, own))
      return reply.code(403).send({ error: 'this studio is for this machine alone' })
  })
  app.setErrorHandler((error: FastifyError, _, reply) =>
    reply.code(error instanceof UserError ? 404 : (error.statusCode ?? 500)).send({ error: error.message }),
  )
  await app.register(fastifyStatic, { root: siteFolder(), cacheControl: false })
  app.get('/models.json', async (): Promise<Offer> => ({ models: catalogue.entries, runs: true }))
  app.get<{ Params: { name: string; file: string } }>('/models/:name/:file', async ({ params }, reply) =>
    reply.sendFile(params.file, await catalogue.folder(params.name), { cacheControl: false }),
  )
  app.get('/api/runs', async () => ({ runs: await listRuns(runs) }))
  app.get<{ Params: { name: string } }>('/api/runs/:name', async ({ params }) =>
    describeRun(runs, params.name),
  )
  // A training that is done is a model to paint with.
  app.get<{ Params: { name: string } }>('/api/runs/:name/model', async ({ params }) =>
    catalogue.add(await runFolder(runs, params.name)),
  )
  app.get<{ Params: { name: string } }>('/api/runs/:name/report', async ({ params }, reply) =>
    reply.sendFile(REPORT_FILE, resolve(await runFolder(runs, params.name))),
  )
  app.get<{ Params: { name: string; file: string } }>(
    '/api/runs/:name/samples/:file',
    async ({ params }, reply) => {
      const { folder, file } = await samplesFile(runs, params.name, params.file)
      return reply.sendFile(file, folder)
    },
  )
  return app
}

/**
 * Writes the studio as a folder that any web server can serve: page and models.
 *
 * @param onExport told of each model before it is exported.
 * @throws UserError if there is something else in the folder, or if a model cannot be exported.
 */
export const writeSite = async (
  catalogue: Catalogue,
  out: string,
  onExport: (name: string) => void = () => {},
): Promise<void> => {
  const there = existsSync(out) ? await readdir(out) : []
  // The list of its files is a studio's own, and there from the first.
  if (there.length > 0 && !there.includes('sw-files.js'))
    throw new UserError(`${out} exists, and is no studio`, { exitCode: 2, remedy: 'choose another folder' })
  const folders = new Map<string, string>()
  for (const { name } of catalogue.entries) {
    onExport(name)
    folders.set(name, await catalogue.folder(name))
  }
  await makeFolder(out)
  await cp(siteFolder(), out, { recursive: true })
  for (const [name, folder] of folders) await cp(folder, join(out, 'models', name), { recursive: true })
  const offer: Offer = { models: catalogue.entries, runs: false }
  await writeFile(join(out, 'models.json'), `${JSON.stringify(offer, null, 2)}\n`)
}
