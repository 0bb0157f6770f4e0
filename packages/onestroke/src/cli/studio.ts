import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Storage } from '@onestroke/core/tensor'
import { Command, Option } from 'commander'
import pc from 'picocolors'
import { renderUnicodeCompact } from 'uqr'
import { checkGuard, isLoopback } from '../server/index.js'
import { openCatalogue, type StudioGuard, shippedModels, studioServer, writeSite } from '../studio/index.js'
import { listen } from './listen.js'
import { dtypeOption, integer, several } from './options.js'
import { say, whenInterrupted } from './terminal.js'

interface StudioFlags {
  teacher?: string
  runs: string[]
  port: number
  host: string
  allowedHost: string[]
  dtype: Storage
  build?: string
}

export const studioCommand = (): Command =>
  new Command('studio')
    .description('a page to paint, draw and compare with models, live, and to watch trainings')
    .argument(
      '[MODELS...]',
      'model folders, or folders that export wrote; by default the emoji models, and what is in ., models and runs',
    )
    .option(
      '--teacher <model>',
      'to show beside the students; by default looked for in the folder where they are',
    )
    .addOption(
      several('--runs <folder>', 'trainings to watch: a run’s folder, or one with runs in it', '. and runs'),
    )
    .option('--port <number>', 'to listen at; 0 takes a free one', integer(0, 65535), 8090)
    .option(
      '--host <address>',
      'to listen at; 0.0.0.0 lets phones and other machines open it, by the link that is printed',
      '127.0.0.1',
    )
    .addOption(
      several(
        '--allowed-host <name>',
        'a further host name of the studio, such as that of a proxy; may be given several times',
      ),
    )
    .addOption(dtypeOption('how the models’ weights are sent'))
    .addOption(
      new Option(
        '--build <dir>',
        'write the page and the models there, for any web server, and end',
      ).conflicts(['port', 'host', 'allowedHost', 'runs']),
    )
    .addHelpText(
      'after',
      `
  onestroke studio                                   the models that come with onestroke
  onestroke studio student --runs runs               your own, and its trainings
  onestroke studio student --build site --dtype int8 a folder to upload
  onestroke studio --host 0.0.0.0                    for a phone in the same network

The page works offline once it has loaded. A web server that sends the headers Cross-Origin-Opener-Policy: same-origin and
Cross-Origin-Embedder-Policy: require-corp lets it use several threads, as this one does.

With --host or --allowed-host it opens with a token, which is in the link. Who has it sees all models and trainings; none can be
started or changed from there. Each start has another token, unless the environment variable ONESTROKE_TOKEN says which.
The connection is not encrypted. Without https, browsers keep WebGPU, threads, offline use and the clipboard from pages; painting
works all the same. For these, put a proxy with TLS before it, such as tailscale serve 8090, and name it with --allowed-host;
or lead the phone's own port 8090 here, which counts as secure: adb reverse tcp:8090 tcp:8090.`,
    )
    .action(async (models: string[], { runs, allowedHost, ...flags }: StudioFlags) => {
      const guard = guardOf({ host: flags.host, allowedHosts: allowedHost })
      const work = await mkdtemp(join(tmpdir(), 'onestroke-studio-'))
      try {
        const watched = runs.length > 0 ? runs : RUNS
        const named = models.length > 0
        const catalogue = await openCatalogue(named ? models : shippedModels(), {
          ...flags,
          work,
          // A folder to upload holds only the models that were named.
          places: named || flags.build !== undefined ? [] : ['models', ...watched],
        })
        if (flags.build !== undefined) {
          await writeSite(catalogue, flags.build, (name) => say(`exporting ${name}`))
          return say(
            `${flags.build}: the studio with ${catalogue.entries.map(({ name }) => name).join(', ')}`,
          )
        }
        const app = await studioServer(catalogue, watched, guard)
        const { port } = await listen(app, flags)
        tell(guard, port)
        await new Promise<void>((resolve) => whenInterrupted(resolve))
        await app.close()
      } finally {
        await rm(work, { recursive: true, force: true })
      }
    })

/** The folders in which the studio looks for trainings and models. */
const RUNS = ['.', 'runs']
/** Bytes of a token that is drawn. */
const TOKEN = 16

/** Who may open it. @throws UserError if the token can be guessed. */
const guardOf = ({ host, allowedHosts }: Omit<StudioGuard, 'token'>): StudioGuard => {
  if (isLoopback(host) && allowedHosts.length === 0) return { host, allowedHosts }
  const token = process.env.ONESTROKE_TOKEN || randomBytes(TOKEN).toString('base64url')
  checkGuard({ host, allowedHosts, token, cors: [] })
  return { host, allowedHosts, token }
}

/** Addresses of this machine in its networks. */
const ownAddresses = (): string[] =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4')
    .map(({ address }) => address)

/** Prints the studio's address; if others may open it, also as a QR code. */
const tell = ({ host, token }: StudioGuard, port: number): void => {
  const link = (address: string) =>
    `http://${address.includes(':') ? `[${address}]` : address}:${port}${token === undefined ? '' : `/?token=${encodeURIComponent(token)}`}`
  const everywhere = host === '0.0.0.0' || host === '::'
  const [first = '127.0.0.1', ...more] = everywhere ? [...ownAddresses(), '127.0.0.1'] : [host]
  say(`${pc.bold(link(first))} is the studio (Ctrl-C ends it)`)
  for (const address of more) say(`${link(address)}${address === '127.0.0.1' ? ' on this machine' : ''}`)
  if (token === undefined) return
  say('The token is the key: who has the link sees all models and trainings.')
  if (process.stderr.isTTY && !isLoopback(host))
    for (const line of renderUnicodeCompact(link(first), { border: 2 }).split('\n'))
      say(pc.bgBlack(pc.whiteBright(line)))
}
