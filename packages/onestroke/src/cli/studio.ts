import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExportDtype } from '@onestroke/core/pipeline'
import { Command, Option } from 'commander'
import pc from 'picocolors'
import { openCatalogue, shippedModels, studioServer, writeSite } from '../studio/index.js'
import { listen } from './listen.js'
import { gathered, integer } from './options.js'
import { say, whenInterrupted } from './terminal.js'

interface StudioFlags {
  teacher?: string
  runs: string[]
  port: number
  dtype: ExportDtype
  build?: string
}

export const studioCommand = (): Command =>
  new Command('studio')
    .description('a page to paint, draw and compare with models, live, and to watch trainings')
    .argument('[MODELS...]', 'model folders, or folders that export wrote; by default the emoji models')
    .option(
      '--teacher <model>',
      'to show beside the students; by default looked for in the folder where they are',
    )
    .option(
      '--runs <folder>',
      'trainings to watch: a run’s folder, or one with runs in it (default: . and runs)',
      gathered,
      [],
    )
    .option('--port <number>', 'to listen at on this machine; 0 takes a free one', integer(0, 65535), 8090)
    .addOption(
      new Option('--dtype <type>', 'how the models’ weights are sent')
        .choices(['fp32', 'fp16', 'int8'])
        .default('fp16'),
    )
    .addOption(
      new Option(
        '--build <dir>',
        'write the page and the models there, for any web server, and end',
      ).conflicts(['port', 'runs']),
    )
    .addHelpText(
      'after',
      `
  onestroke studio                                   the models that come with onestroke
  onestroke studio student --runs runs               your own, and its trainings
  onestroke studio student --build site --dtype int8 a folder to upload

The page works offline once it has loaded. A web server that sends the headers Cross-Origin-Opener-Policy: same-origin and
Cross-Origin-Embedder-Policy: require-corp lets it use several threads, as this one does.`,
    )
    .action(async (models: string[], { runs, ...flags }: StudioFlags) => {
      const work = await mkdtemp(join(tmpdir(), 'onestroke-studio-'))
      try {
        const catalogue = await openCatalogue(models.length > 0 ? models : shippedModels(), {
          ...flags,
          work,
        })
        if (flags.build !== undefined) {
          await writeSite(catalogue, flags.build, (name) => say(`exporting ${name}`))
          return say(
            `${flags.build}: the studio with ${catalogue.entries.map(({ name }) => name).join(', ')}`,
          )
        }
        const app = await studioServer(catalogue, runs.length > 0 ? runs : ['.', 'runs'])
        const { port } = await listen(app, { host: '127.0.0.1', port: flags.port })
        say(`${pc.bold(`http://127.0.0.1:${port}`)} is the studio (Ctrl-C ends it)`)
        await new Promise<void>((resolve) => whenInterrupted(resolve))
        await app.close()
      } finally {
        await rm(work, { recursive: true, force: true })
      }
    })
