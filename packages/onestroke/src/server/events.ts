/** Server-sent events. */
import { Readable } from 'node:stream'

export interface ServerEvent {
  readonly type: string
}

const textOf = (event: ServerEvent): string => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`

/**
 * What `work` says, as a stream that is there once it has said something.
 *
 * @param onError gives the event that tells of what fails later.
 * @throws what fails before anything was said: an answer can still have a status of its own.
 */
export const eventStream = (
  work: (say: (event: ServerEvent) => void) => Promise<void>,
  onError: (error: Error) => ServerEvent,
): Promise<Readable> =>
  new Promise((resolve, reject) => {
    const stream = new Readable({ read() {} })
    let begun = false
    const say = (event: ServerEvent) => {
      stream.push(textOf(event))
      begun = true
      resolve(stream)
    }
    work(say).then(
      () => stream.push(null),
      (error) => {
        if (!begun) return reject(error)
        stream.push(textOf(onError(error)))
        stream.push(null)
      },
    )
  })
