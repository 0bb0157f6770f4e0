/** Limits the connections, in all and per address, so that one client's idle connections do not lock others out. */
import type { Server } from 'node:http'
import { isIP, type Socket } from 'node:net'
import { problemBody } from './problems.js'
import { say } from './refusals.js'

const MOST_CONNECTIONS = 2048
const MOST_OF_ONE = MOST_CONNECTIONS / 4

/** All open connections of the server. */
export const limitConnections = (server: Server): ReadonlySet<Socket> => {
  server.maxConnections = MOST_CONNECTIONS
  const sockets = new Set<Socket>()
  const counts = new Map<string, number>()
  server.on('connection', (socket: Socket) => {
    const client = clientOf(socket.remoteAddress ?? '')
    const count = (counts.get(client) ?? 0) + 1
    counts.set(client, count)
    sockets.add(socket)
    socket.once('close', () => {
      sockets.delete(socket)
      const left = counts.get(client)! - 1
      if (left > 0) counts.set(client, left)
      else counts.delete(client)
    })
    if (count > MOST_OF_ONE)
      say(
        socket,
        '503 Service Unavailable',
        problemBody(
          'busy',
          `your address has ${MOST_OF_ONE} connections open; close some, or use them again`,
        ),
        'retry-after: 1\r\n',
      )
  })
  return sockets
}

/** Who is behind an address. A client with IPv6 has a whole network of them, the first half of an address. */
export const clientOf = (address: string): string => {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined || isIP(address) !== 6) return mapped ?? address
  const [head = '', tail] = address.split('%')[0]!.split('::')
  const groups = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - groups.length - after.length
  return [...groups, ...Array<string>(zeros).fill('0'), ...after].slice(0, 4).join(':')
}
