/**
 * `onestroke serve` under load from many clients on this machine: pictures a second with requests sharing runs and
 * without, taking turns; whether every answer is the one that was asked for; how long the event loop is kept busy.
 */
import { spawn } from 'node:child_process'
import { Agent, request } from 'node:http'
import sharp from 'sharp'
import { ONESTROKE } from './lib/command.js'
import { median, rounded } from './lib/statistics.js'

export const about =
  'serve with 32 clients: throughput with and without shared runs, event loop, mixed-up answers'

/** @type {import('./run.js').Benchmark['options']} */
export const options = {
  model: { type: 'string', default: 'models/emoji-16-student', about: 'model folder' },
  clients: { type: 'string', default: '32', about: 'that ask at once, each again when it is answered' },
  requests: { type: 'string', default: '10000', about: 'to each server, in all' },
  rounds: { type: 'string', default: '10', about: 'in which the servers take turns' },
  starts: {
    type: 'string',
    default: '5',
    about: 'of both servers: a process may be lucky for all of its life',
  },
}

const PROMPTS = ['red heart', 'owl', 'cat face', 'pizza']
const SEEDS = 16

/**
 * @param {string} model
 * @param {number} batch
 */
const start = async (model, batch) => {
  const child = spawn(
    process.execPath,
    [ONESTROKE, 'serve', model, '--port', '0', '--batch', String(batch), '--queue', '4096'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const port = await new Promise((resolve, reject) => {
    let said = ''
    child.on('close', () => reject(new Error(`serve ended: ${said}`)))
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said += text
      const [, found] = /http:\/\/127\.0\.0\.1:(\d+)/.exec(said) ?? []
      if (found) resolve(Number(found))
    })
  })
  const agent = new Agent({ keepAlive: true, maxSockets: 1024 })
  /**
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<Buffer>}
   */
  const ask = (path, body) =>
    new Promise((resolve, reject) => {
      const sent = request(
        { agent, port, path, method: body ? 'POST' : 'GET', headers: { 'content-type': 'application/json' } },
        (response) => {
          /** @type {Buffer[]} */
          const parts = []
          response.on('data', (part) => parts.push(part))
          response.on('end', () => {
            const whole = Buffer.concat(parts)
            if (response.statusCode === 200) resolve(whole)
            else reject(new Error(`${response.statusCode}: ${whole}`))
          })
        },
      )
      sent.on('error', reject)
      sent.end(body && JSON.stringify(body))
    })
  return { ask, stop: () => child.kill('SIGTERM') }
}

/** @param {Buffer} png */
const pixels = (png) => sharp(png).removeAlpha().raw().toBuffer()

/** What is asked for: again and again, in this order. */
const ASKED = Array.from({ length: PROMPTS.length * SEEDS }, (_, i) => ({
  prompt: PROMPTS[i % PROMPTS.length],
  seed: Math.floor(i / PROMPTS.length),
  steps: 1,
}))

/**
 * So many requests from so many clients.
 *
 * @param {Awaited<ReturnType<typeof start>>['ask']} ask
 * @param {{ clients: number, requests: number }} load
 */
const ply = async (ask, { clients, requests }) => {
  await ask('/metrics')
  /** @type {[number, Buffer][]} */
  const answers = []
  let next = 0
  const begin = performance.now()
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (next < requests) {
        const which = next++ % ASKED.length
        try {
          answers.push([which, await ask('/generate', ASKED[which])])
        } catch {
          // Counted below, as what is missing.
        }
      }
    }),
  )
  const rate = requests / ((performance.now() - begin) / 1000)
  const [, delay] = /delay_p99_seconds ([\d.e-]+)/.exec(String(await ask('/metrics'))) ?? []
  return { answers, rate, delay: Number(delay) * 1000 }
}

/** @type {import('./run.js').Benchmark['run']} */
export const run = async ({ model, clients, requests, rounds, starts }) => {
  const turns = Number(rounds)
  const lives = Math.min(turns, Number(starts))
  const load = { clients: Number(clients), requests: Math.ceil(Number(requests) / turns) }
  const rows = [32, 1].map((batch) => ({
    batch,
    /** @type {number[]} */ rates: [],
    /** @type {number[]} */ delays: [],
  }))
  const wrong = { lost: 0, mixed_up: 0 }
  /** Asked alone, one after the other: what each answer should be. @type {Buffer[]} */
  const expected = []
  for (let life = 0; life < lives; life++) {
    const servers = await Promise.all(rows.map(({ batch }) => start(model, batch)))
    try {
      if (life === 0)
        for (const body of ASKED) expected.push(await pixels(await servers[1].ask('/generate', body)))
      // What is compiled while it runs is not what is measured.
      for (const { ask } of servers) await ply(ask, load)
      for (let turn = life; turn < turns; turn += lives)
        for (const [i, { ask }] of servers.entries()) {
          const { answers, rate, delay } = await ply(ask, load)
          rows[i].rates.push(rate)
          rows[i].delays.push(delay)
          wrong.lost += load.requests - answers.length
          for (const [which, png] of answers) {
            const found = await pixels(png)
            if (found.some((byte, i) => Math.abs(byte - expected[which][i]) > 1)) wrong.mixed_up++
          }
        }
    } finally {
      for (const { stop } of servers) stop()
    }
  }
  const ratios = rows[0].rates.map((rate, i) => rate / rows[1].rates[i])
  return {
    seeds: { first: 0 },
    versions: {},
    results: {
      model,
      clients: load.clients,
      requests_each: load.requests * turns,
      starts: lives,
      ...wrong,
      shared_runs_speed_up: rounded(median(ratios)),
      speed_ups: ratios.map((ratio) => rounded(ratio)),
      rows: rows.map(({ batch, rates, delays }) => ({
        most_pictures_in_a_run: batch,
        requests_per_second: rounded(median(rates)),
        event_loop_delay_p99_ms: rounded(median(delays)),
      })),
    },
  }
}
