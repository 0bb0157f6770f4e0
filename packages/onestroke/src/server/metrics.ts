/** Numbers for Prometheus. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { versions } from '../training/index.js'
import type { Scheduler } from './scheduler.js'

export interface Metrics {
  readonly registry: Registry
  readonly version: string
  onRun(pictures: number, seconds: number): void
  onNotFinite(): void
  onResponse(route: string, status: number, seconds: number): void
  /** Counts what waits in a scheduler. */
  watch(scheduler: Pick<Scheduler, 'waiting'>): void
}

/** Milliseconds between two samples of the event loop's delay. */
const LOOK = 5

export const serverMetrics = (): Metrics => {
  const registry = new Registry()
  const registers = [registry]
  const requests = new Counter({
    name: 'onestroke_requests_total',
    help: 'Requests by route and status; 499 is a client that hung up.',
    registers,
    labelNames: ['route', 'status'],
  })
  const seconds = new Histogram({
    name: 'onestroke_request_seconds',
    help: 'Time to answer a request.',
    registers,
    labelNames: ['route'],
    buckets: [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
  })
  const pictures = new Counter({
    name: 'onestroke_pictures_total',
    help: 'Pictures that were painted.',
    registers,
  })
  const batch = new Histogram({
    name: 'onestroke_batch_pictures',
    help: 'Pictures that shared a run.',
    registers,
    buckets: [1, 2, 4, 8, 16, 32, 64],
  })
  const runs = new Histogram({
    name: 'onestroke_run_seconds',
    help: 'Time of a run.',
    registers,
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5],
  })
  const notFinite = new Counter({
    name: 'onestroke_not_finite_runs_total',
    help: 'Runs that gave no pictures, since their values were not finite: the model may be damaged.',
    registers,
  })
  const delay = monitorEventLoopDelay({ resolution: LOOK })
  delay.enable()
  new Gauge({
    name: 'onestroke_event_loop_delay_p99_seconds',
    help: 'Since the last time that it was asked for.',
    registers,
    collect() {
      // Node reports the sampling interval plus the delay.
      this.set(delay.count > 0 ? Math.max(0, delay.percentile(99) / 1e6 - LOOK) / 1000 : 0)
      delay.reset()
    },
  })
  return {
    registry,
    version: versions().onestroke!,
    onRun(count, time) {
      pictures.inc(count)
      batch.observe(count)
      runs.observe(time)
    },
    onNotFinite() {
      notFinite.inc()
    },
    onResponse(route, status, time) {
      requests.inc({ route, status })
      seconds.observe({ route }, time)
    },
    watch(scheduler) {
      new Gauge({
        name: 'onestroke_waiting_pictures',
        help: 'Pictures that wait.',
        registers,
        collect() {
          this.set(scheduler.waiting)
        },
      })
    },
  }
}
