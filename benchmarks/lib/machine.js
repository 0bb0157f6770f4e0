/** What a result depends on besides the code. */
import os from 'node:os'

/** Where this runs, and how busy it is: call it before the measurement. */
export const machine = () => {
  const cpus = os.cpus()
  return {
    cpu: cpus[0]?.model ?? 'unknown',
    cores: cpus.length,
    memory_gib: Math.round((os.totalmem() / 2 ** 30) * 10) / 10,
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    /** The last minute's load: where it is well above 0, the numbers are not worth much. */
    load_average: Math.round((os.loadavg()[0] ?? 0) * 100) / 100,
  }
}
