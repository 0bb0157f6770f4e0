/** A second Ctrl-C ends the command, whatever it is doing. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { create } from '@bufbuild/protobuf'
import { TensorProto_DataType, TensorProtoSchema } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { ENDLESS } from '../../packages/onestroke/src/data/testing.js'
import { graphOf, modelOf, node, value } from '../../packages/onestroke/src/runtime/testing.js'
import { onestroke, scratch, writeFiles, writePictures } from './testing.js'

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

describe.skipIf(!existsSync('/proc/self/stat'))('a command that waits for a drawing without end', () => {
  /** The processes that one has started. */
  const startedBy = async (pid: number): Promise<number[]> =>
    (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8'))
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number)

  /** Its state and what follows, see proc(5). */
  const factsOf = async (pid: number): Promise<string[]> =>
    (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ').at(-1)!.split(' ')
  /** Seconds of the processor that a process has taken. */
  const secondsOf = async (pid: number): Promise<number> => {
    const facts = await factsOf(pid)
    return (Number(facts[11]) + Number(facts[12])) / 100
  }
  /** Whether it runs. A zombie does not: containers may have nobody who buries it. */
  const isRunning = (pid: number): Promise<boolean> =>
    factsOf(pid).then(
      ([state]) => state !== 'Z',
      () => false,
    )

  it('is ended by one SIGINT, and so is what draws', async () => {
    await writePictures(at('drawings'), { count: 2 })
    await writeFiles(at('drawings'), { 'endless.svg': ENDLESS })
    let drawing: number[] = []
    let late = false
    const result = await onestroke(['train', at('drawings'), '--out', at('run'), '--resolution', '8'], {
      async onStart(kill, _, pid) {
        const drawn = async () => {
          drawing = await startedBy(pid)
          return Math.max(0, ...(await Promise.all(drawing.map(secondsOf))))
        }
        // Far more than it takes to start, and far less than the 20 seconds after which it is given up.
        while ((await drawn()) < 3) await setTimeout(50)
        kill('SIGINT')
        await setTimeout(60_000, undefined, { ref: false })
        late = true
      },
    })
    expect(late).toBe(false)
    expect(result).toMatchObject({ status: 130, stdout: '' })
    expect(result.stderr).not.toContain('takes more than')
    // Long before its own time is over.
    const running = async () => (await Promise.all(drawing.map(isRunning))).filter(Boolean).length
    await expect.poll(running, { timeout: 5000 }).toBe(0)
    expect(existsSync(at('run'))).toBe(false)
  })
})
