/** A second Ctrl-C ends the command, whatever it is doing. */
import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { create } from '@bufbuild/protobuf'
import { TensorProto_DataType, TensorProtoSchema } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { graphOf, modelOf, node, value } from '../../packages/onestroke/src/runtime/testing.js'
import { onestroke, scratch, writePictures } from './testing.js'

const { at } = await scratch()

/** A feature network that never ends: while true, the pictures are the pictures. */
const endless = (): Uint8Array => {
  const { BOOL, INT64 } = TensorProto_DataType
  const pictures = [64, 3, 8, 8]
  const body = graphOf({
    input: [value('i', [], INT64), value('again', [], BOOL), value('p', pictures)],
    output: [value('again_out', [], BOOL), value('p_out', pictures)],
    node: [node('Identity', ['again'], 'again_out'), node('Identity', ['p'], 'p_out')],
  })
  return modelOf({
    input: [value('pictures', pictures)],
    output: [value('features', pictures)],
    initializer: [create(TensorProtoSchema, { name: 'always', dataType: BOOL, rawData: Uint8Array.of(1) })],
    node: [node('Loop', ['', 'always', 'pictures'], 'features', { body: { graph: body } })],
  })
}

describe.skipIf(process.platform === 'win32')('a command that does not answer', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('is ended by the second %s', async (signal) => {
    await writePictures(at('pictures'), { count: 9, say: 'captions' })
    // Whoever has read a pipe to its end has it.
    const pipe = at(`${signal}.onnx`)
    execFileSync('mkfifo', [pipe])
    let late = false
    const result = await onestroke(
      ['evaluate', 'models/emoji-16-student', '--data', at('pictures'), '--features', pipe, '--json'],
      {
        onStart: async (kill) => {
          await writeFile(pipe, endless())
          await setTimeout(3000)
          kill(signal)
          await setTimeout(1000)
          kill(signal)
          await setTimeout(60_000, undefined, { ref: false })
          late = true
          kill('SIGKILL')
        },
      },
    )
    expect(late).toBe(false)
    // By the watchdog, or, on a machine so busy that the network had not begun, by the command itself.
    if (result.status !== 130)
      expect({ ...result, stderr: result.stderr.split('\n').slice(-2) }).toEqual({
        status: null,
        stdout: '',
        stderr: ['ended at once: the command did not answer', ''],
      })
  })
})
