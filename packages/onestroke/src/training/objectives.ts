import { METHODS } from '@onestroke/core/consistency'
import { diffusion, type Objective } from '@onestroke/core/diffusion'
import { UserError } from '@onestroke/core/errors'

/** The objective of a name. @throws UserError listing those that there are. */
export const objectiveNamed = (name: string): Objective => {
  if (name === diffusion.name) return diffusion as unknown as Objective
  const method = METHODS[name]
  if (!method)
    throw new UserError(`unknown method ${name}; there are ${Object.keys(METHODS).join(', ')}`, {
      option: 'method',
    })
  return method
}
