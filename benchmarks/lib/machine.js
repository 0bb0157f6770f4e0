/** What a result depends on besides the code. */
import os from 'node:os'

/** Where this runs. */
export const machine = () => {
  const cpus = os.cpus()
  return {
    cpu: cpus[0]?.model ?? 'unknown',
    cores: cpus.length,
    memory_gib: Math.round((os.totalmem() / 2 ** 30) * 10) / 10,
    system: `${os.type()} ${os.release()} ${os.arch()}`,
  }
}
