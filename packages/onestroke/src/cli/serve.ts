import { Command } from 'commander'
import pc from 'picocolors'
import { createServer, SERVER_DEFAULTS } from '../server/index.js'
import { listen } from './listen.js'
import { integer, number, several } from './options.js'
import { say, whenInterrupted } from './terminal.js'

interface ServeFlags {
  port: number
  host: string
  token?: string
  cors: string[]
  allowedHost: string[]
  batch: number
  queue: number
  threads: number
  timeout: number
}

export const serveCommand = (): Command =>
  new Command('serve')
    .description('answer with pictures over HTTP: JSON in, PNG, WebP or JSON out; OpenAPI at /openapi.json')
    .argument('<MODEL>', 'model folder, or a folder that export wrote')
    .option('--port <number>', 'to listen at; 0 takes a free one', integer(0, 65535), SERVER_DEFAULTS.port)
    .option(
      '--host <address>',
      'to listen at; any but a loopback address needs a token',
      SERVER_DEFAULTS.host,
    )
    .option(
      '--token <text>',
      'clients send it as Authorization: Bearer TOKEN; better as the environment variable ONESTROKE_TOKEN, which others cannot see',
    )
    .addOption(
      several('--cors <origin>', 'pages of this origin may ask, * for all; may be given several times'),
    )
    .addOption(
      several('--allowed-host <name>', 'a name by which clients call the server; may be given several times'),
    )
    .option('--batch <pictures>', 'most pictures that share a run', integer(1, 1024), SERVER_DEFAULTS.batch)
    .option(
      '--queue <pictures>',
      'most that wait; more are told to come back',
      integer(1, 1_000_000),
      SERVER_DEFAULTS.queue,
    )
    .option(
      '--threads <count>',
      'threads of the graph, 0 for $ONESTROKE_THREADS or all cores',
      integer(0, 1024),
      SERVER_DEFAULTS.threads,
    )
    .option(
      '--timeout <seconds>',
      'after which a request is given up',
      number(0.1, 3600),
      SERVER_DEFAULTS.timeout,
    )
    .addHelpText(
      'after',
      `
  onestroke serve models/emoji-16-guided
  curl -s localhost:8080/generate -H 'content-type: application/json' -d '{"prompt":"red heart","scale":16}' > heart.png
  curl -s localhost:8080/v1/images/generations -H 'content-type: application/json' -d '{"prompt":"owl","size":"256x256"}'
  curl -s localhost:8080/generate -H 'content-type: application/json' -d '{"prompt":"cat","n":8,"to":{"prompt":"dog"}}' > way.png

With "image" (PNG, JPEG or WebP in base64), /generate paints that picture again, as far as "strength" says or where "mask"
has holes or is white; with "to" it paints the way to another prompt or seed. Seeds are those of --seed elsewhere: -1 or
"random" draws one, and so does none; the answer tells it, in JSON or in its header x-seed.

Also for OpenAI's clients, at /v1 (images and models), and for tools of AUTOMATIC1111's web UI, at /sdapi/v1. The page at /
has examples.

Sockets at /live take {"id":1,"prompt":"owl","seed":3} and answer with {"id":1,"seed":3,"milliseconds":…} and then the PNG; a newer
request takes the place of one that is still waiting. Pages send the token as a protocol of their socket:
new WebSocket(url, ['onestroke', 'bearer.TOKEN']). Also: /health, /ready, /metrics (Prometheus), /model.`,
    )
    .action(
      async (
        path: string,
        { allowedHost, token = process.env.ONESTROKE_TOKEN || undefined, ...flags }: ServeFlags,
      ) => {
        const { app } = await createServer(path, {
          ...flags,
          allowedHosts: allowedHost,
          token,
          onFailure: ({ message }) => say(`${pc.red('error:')} a request failed: ${message}`),
        })
        const { port, family, address } = await listen(app, flags)
        const name = family === 'IPv6' ? `[${address}]` : address
        say(`${pc.bold(`http://${name}:${port}`)} paints with ${path} (Ctrl-C ends it)`)
        await new Promise<void>((resolve) => {
          whenInterrupted(() => {
            say('closing: what was accepted is finished first (Ctrl-C again ends it at once)')
            resolve()
          })
        })
        await app.close()
      },
    )
