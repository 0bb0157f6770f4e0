/**
 * Estimates the memory of a training step from its program. A batch that is too large then gives an error that says what
 * would fit; otherwise the system would kill the process.
 */
import { freemem, totalmem } from 'node:os'
import { UserError } from '@onestroke/core/errors'
import { type DType, nodesOf, type Program, type Tensor } from '@onestroke/core/tensor'

/**
 * What onnxruntime holds for each byte that lives at the peak: its arena grows by doubling. Measured: 1.4 to 2.0, on
 * hourglasses and U-Nets from 130 MiB to 1.6 GiB.
 */
const ARENA = 2
/** Batches that are in memory at once: one in use, two prepared ahead. */
const BATCHES = 3
/** Larger batches are not traced: their memory is that of this one, in proportion. */
const LARGEST_TRACED = 65_536

const BYTES: Record<DType, number> = { float32: 4, int64: 8, bool: 1 }
const bytesOf = ({ size, dtype }: Tensor): number => size * BYTES[dtype]

/** Ops whose output is their input's memory. Other ops with `Op.view`, such as transpose, are copied by onnxruntime. */
const IN_PLACE = new Set(['reshape', 'stopGradient'])

/** The most bytes that live at once while the nodes of a program run in order and free what is not needed any more. */
export const peakBytes = (program: Program): number => {
  const outputs = Object.values(program.outputs)
  const nodes = nodesOf(outputs)
  const views = new Map<Tensor, Tensor>()
  const memoryOf = (x: Tensor): Tensor => views.get(x) ?? x
  const lastUse = new Map<Tensor, number>()
  for (const [i, { op, inputs, outputs: made }] of nodes.entries()) {
    if (IN_PLACE.has(op.name)) views.set(made[0]!, memoryOf(inputs[0]!))
    for (const x of inputs) lastUse.set(memoryOf(x), i)
  }
  for (const y of outputs) lastUse.delete(memoryOf(y))
  let live = 0
  let peak = 0
  for (const [i, node] of nodes.entries()) {
    for (const y of node.outputs) if (!views.has(y)) live += bytesOf(y)
    peak = Math.max(peak, live)
    for (const x of new Set(node.inputs.map(memoryOf))) if (x.node && lastUse.get(x) === i) live -= bytesOf(x)
  }
  return peak
}

/** Bytes that training with a step's program takes, beside the weights. */
const bytesToTrain = (program: Program): number =>
  ARENA * peakBytes(program) +
  BATCHES * Object.values(program.inputs).reduce((sum, input) => sum + bytesOf(input), 0)

/** Bytes that this process may still take. Where the system counts its file cache as used, a share of all there is. */
const available = (): number => {
  const limit = process.constrainedMemory?.() || Number.POSITIVE_INFINITY
  const free = process.platform === 'linux' ? freemem() : 0.8 * totalmem()
  return Math.min(free, Math.max(0, limit - process.memoryUsage.rss()))
}

/**
 * @param programsOf the training's steps, of every kind, for a batch size.
 * @throws UserError that names a batch which fits, if this one does not.
 */
export const checkMemory = (
  batch: number,
  programsOf: (batch: number) => readonly Program[],
  memory = available(),
): void => {
  const traced = Math.min(batch, LARGEST_TRACED)
  const bytesFor = (size: number) => programsOf(size).reduce((sum, one) => sum + bytesToTrain(one), 0)
  const needed = (bytesFor(traced) * batch) / traced
  if (needed <= memory) return
  const one = bytesFor(1)
  const each = batch > 1 ? (needed - one) / (batch - 1) : one
  const most = 1 + Math.floor((memory - one) / each)
  const fits = most >= 1 ? 2 ** Math.floor(Math.log2(most)) : undefined
  throw new UserError(
    `a batch of ${batch} needs about ${gibibytes(needed)} of memory, but only ${gibibytes(memory)} are free`,
    { remedy: fits ? `\`batch\` ${fits} fits` : 'choose a smaller `preset` or `resolution`' },
  )
}

const gibibytes = (bytes: number): string => `${Number((bytes / 2 ** 30).toPrecision(2))} GiB`
