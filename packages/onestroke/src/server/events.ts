/** Server-sent events. */
import { Readable } from 'node:stream'

export interface ServerEvent {
  readonly type: string
}

const textOf = (event: ServerEvent): string => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`

/**
 * The events that `work` sends, as a stream. It resolves at the first event.
 *
 * @param onError makes the event for an error after the first event.
 * @throws an error from before the first event, so that the answer can still have a status of its own.
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
