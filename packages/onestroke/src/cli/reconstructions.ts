/** Pictures beside what an autoencoder gives back of them. */
import { join } from 'node:path'
import { factorOf } from '@onestroke/core/autoencoder'
import { sizeOf } from '@onestroke/core/picture'
import type { HeldOut, Reconstructions } from '../evaluation/index.js'
import { pngGrid, writeFileAtomic } from '../formats/index.js'
import type { LoadedAutoencoder } from '../model/index.js'
import { type Report, thisMachine, writeReport } from '../report/index.js'
import { SAMPLES_FILE } from '../run-files.js'
import type { Progress } from '../training/index.js'
import { commandLine } from './terminal.js'

/** Pairs that are shown, at most. */
export const SHOWN = 8

/** Writes a grid into a run's folder: pictures above, and what comes back of them below. */
export const writeReconstructions = async (directory: string, found: Shown): Promise<void> =>
  writeFileAtomic(join(directory, SAMPLES_FILE), await gridOf(found))

type Shown = Pick<Reconstructions, 'real' | 'painted'>

const gridOf = ({ real, painted }: Shown): Promise<Buffer> => {
  const count = Math.min(SHOWN, real.count)
  const size = count * sizeOf(real)
  const data = new Float32Array(2 * size)
  data.set(real.data.subarray(0, size))
  data.set(painted.subarray(0, size), size)
  const { channels, height, width } = real
  return pngGrid({ data, count: 2 * count, channels, height, width }, { columns: count })
}

/** Writes the report of an autoencoder that is trained: `provenance` tells how. */
export const writeReconstructionReport = async (
  directory: string,
  { config: { network }, layout, path, sha256 }: LoadedAutoencoder,
  provenance: NonNullable<LoadedAutoencoder['config']['provenance']>,
  { learned, dataset, rows }: HeldOut,
  { found, progress, encode_ms, decode_ms }: Measured,
): Promise<void> => {
  const { channels, height, width } = dataset
  const factor = factorOf(network)
  const held_out = learned !== dataset
  const report: Report = {
    title: `Autoencoder of ${provenance.data.name}`,
    summary: `It makes ${network.latent_channels} numbers of each ${factor}×${factor} pixels of a picture, and a picture of these again: ${found.psnr.toFixed(1)} dB on ${rows.length} pictures${held_out ? ' that it did not learn from' : ''}.`,
    created: new Date().toISOString(),
    machine: thisMachine(),
    data: { name: provenance.data.name, images: provenance.data.images, height, width, channels },
    runs: [
      {
        name: 'autoencoder',
        parameters: layout.size,
        preset: provenance.preset,
        images_seen: provenance.images_seen,
        seconds: provenance.seconds,
        path,
        sha256,
        options: {},
      },
    ],
    reconstruction: {
      pictures: rows.length,
      held_out,
      factor,
      latent_channels: network.latent_channels,
      psnr: { mean: found.psnr, worst: Math.min(...found.each), best: Math.max(...found.each) },
      encode_ms,
      decode_ms,
    },
    loss: progress
      ? [{ name: 'autoencoder', points: progress.log.map(({ images, loss }) => ({ images, loss })) }]
      : [],
    sections: [
      {
        title: 'Pictures, and what comes back of them',
        text: `Above what went in${held_out ? ', which it did not learn from' : ''}; below what came out.`,
        grids: [{ caption: `${found.psnr.toFixed(1)} dB`, png: 'reconstructions.png' }],
      },
    ],
    commands: [commandLine()],
    notes: [],
  }
  await writeReport(directory, report, { 'reconstructions.png': await gridOf(found) })
}

interface Measured {
  readonly found: Reconstructions
  readonly progress: Progress | undefined
  readonly encode_ms: number
  readonly decode_ms: number
}
