import type { AddressInfo } from 'node:net'
import { UserError } from '@onestroke/core/errors'
import type { FastifyInstance } from 'fastify'

type Place = { readonly host: string; readonly port: number }

/** Makes a server listen. If it cannot, closes it. @throws UserError that says why. */
export const listen = async (
  app: Pick<FastifyInstance, 'listen' | 'close' | 'server'>,
  { host, port }: Place,
): Promise<AddressInfo> => {
  try {
    await app.listen({ host, port })
  } catch (error) {
    await app.close()
    throw listenError(error as NodeJS.ErrnoException, { host, port })
  }
  return app.server.address() as AddressInfo
}

const listenError = (error: NodeJS.ErrnoException, { host, port }: Place): Error => {
  if (error.code === 'EADDRINUSE')
    return new UserError(`port ${port} of ${host} is taken`, {
      remedy: 'choose another --port, or 0 for a free one',
    })
  if (error.code === 'EACCES')
    return new UserError(`port ${port} may not be listened at`, { remedy: 'choose one above 1023' })
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
    return new UserError(`this machine has no address ${host}`, { remedy: 'choose another --host' })
  return error
}
