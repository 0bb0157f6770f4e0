/** The studio's server: the built page, the models as exports, and the progress of runs. It changes no files of theirs. */
import { existsSync } from 'node:fs'
import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, sep } from 'node:path'
import compress from '@fastify/compress'
import fastifyStatic from '@fastify/static'
import { told, UserError } from '@onestroke/core/errors'
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify'
import { makeFolder } from '../model/index.js'
import { REPORT_FILE } from '../run-files.js'
import { isLoopback, isOwnHost } from '../server/index.js'
import { type Catalogue, hasDemo } from './catalogue.js'
import { guardStudio, type StudioGuard } from './guard.js'
import { HEADERS, PAGE_POLICY } from './headers.js'
import { describeRun, listRuns, reportFolder, runFolder, samplesFile } from './runs.js'

/** `models.json`: what the page offers. */
interface Offer {
  readonly models: Catalogue['entries']
  /** Whether there are runs to watch. */
  readonly runs: boolean
  /** How to get a model, if there is none. */
  readonly start?: {
    /** Folders in which model folders are found. */
    readonly places: readonly string[]
    /** Whether `onestroke demo` has what it needs. */
    readonly demo: boolean
  }
}

/** Folder of the built page. @throws UserError if it was not built. */
const siteFolder = (): string => {
  const folder = join(
    dirname(createRequire(import.meta.url).resolve('@onestroke/studio/package.json')),
    'dist/site',
  )
  if (!existsSync(join(folder, 'index.html')))
    throw new UserError(`the studio's page is not in ${folder}`, { remedy: 'npm run build makes it' })
  return folder
}

const OWN: StudioGuard = { host: '127.0.0.1', allowedHosts: [] }

/**
 * Makes the server, which does not listen yet.
 *
 * @param runs folders in which runs are looked for
 * @param guard who may open it; by default this machine
 */
export const studioServer = async (
  catalogue: Catalogue,
  runs: readonly string[],
  guard: StudioGuard = OWN,
): Promise<FastifyInstance> => {
  const app = Fastify({ forceCloseConnections: true })
  app.addHook('onRequest', async ({ headers, ip }, reply) => {
    reply.headers(HEADERS)
    // Within one machine, compressing takes longer than sending. A request through a proxy has the proxy's host name.
    if (isLoopback(ip) && isOwnHost(headers.host, OWN)) headers['x-no-compression'] = 'true'
  })
  guardStudio(app, guard)
  app.setErrorHandler((error: FastifyError, _, reply) =>
    reply
      .code(error instanceof UserError ? 404 : (error.statusCode ?? 500))
      .send({ error: error instanceof UserError ? told(error, () => undefined) : error.message }),
  )
  await app.register(compress, { encodings: ['br', 'gzip'], globalDecompression: false })
  await app.register(fastifyStatic, {
    root: siteFolder(),
    cacheControl: false,
    setHeaders(response, path) {
      // Their names have their content's hash.
      if (path.includes(`${sep}assets${sep}`))
        response.setHeader('cache-control', 'max-age=31536000, immutable')
    },
  })
  app.get('/models.json', async (): Promise<Offer> => {
    await catalogue.look()
    const { entries, places } = catalogue
    return {
      models: entries,
      runs: true,
      start: entries.length === 0 ? { places, demo: hasDemo() } : undefined,
    }
  })
  app.get<{ Params: { name: string; file: string } }>(
    '/models/:name/:file',
    async ({ params, headers }, reply) => {
      // Compressing makes 16-bit and 8-bit weights 8 % smaller, WebAssembly 78 %.
      if (params.file.endsWith('.onnx')) headers['x-no-compression'] = 'true'
      return reply.sendFile(params.file, await catalogue.folder(params.name), { cacheControl: false })
    },
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
    reply
      // It says itself what it may load and run.
      .header('content-security-policy', "frame-ancestors 'none'")
      .sendFile(REPORT_FILE, await reportFolder(runs, params.name)),
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
    throw new UserError(`${out} exists, and is no studio`, { option: 'out', remedy: 'choose another folder' })
  if (catalogue.entries.length === 0)
    throw new UserError('there is no model to show', { option: 'model', remedy: 'name a model folder' })
  const folders = new Map<string, string>()
  for (const { name } of catalogue.entries) {
    onExport(name)
    folders.set(name, await catalogue.folder(name))
  }
  await makeFolder(out)
  await cp(siteFolder(), out, { recursive: true })
  await writeFile(join(out, 'index.html'), withPolicy(await readFile(join(out, 'index.html'), 'utf8')))
  for (const [name, folder] of folders) await cp(folder, join(out, 'models', name), { recursive: true })
  const offer: Offer = { models: catalogue.entries, runs: false }
  await writeFile(join(out, 'models.json'), `${JSON.stringify(offer, null, 2)}\n`)
}

/** The page with its policy in it: other servers send no header for it. */
const withPolicy = (page: string): string =>
  page.replace(
    /<meta charset="utf-8" ?\/?>/,
    (charset) => `${charset}\n    <meta http-equiv="Content-Security-Policy" content="${PAGE_POLICY}" />`,
  )
