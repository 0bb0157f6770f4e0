/**
 * Sides that train the same thing and take turns, so that whatever else the machine does touches all of them alike. Each is a child that
 * answers `{ steps }` with a `Turn`; `ours` is one of them.
 */
import { setTimeout } from 'node:timers/promises'
import { median, rounded } from './statistics.js'

/** @typedef {import('./child.js').Child} Child */
/** @typedef {{ seconds: number, losses: number[], peak_memory: number }} Turn */
/** @typedef {{ rounds: number, steps: number, batch: number, threads: number, seed: number }} Settings */

/** Between turns: idle threads of the side before stop spinning. */
const PAUSE_MS = 100

/**
 * @param {string} name
 * @param {Record<string, number[]>} losses of steps that all sides took alike
 * @param {number} same how far they may lie apart, relatively
 */
export const checkSame = (name, { ours, ...others }, same) => {
  for (const [side, theirs] of Object.entries(others))
    for (const [i, loss] of theirs.entries())
      if (!(Math.abs(loss - ours[i]) <= same * loss))
        throw new Error(
          `${name}, step ${i + 1}: the loss is ${loss} for ${side} and ${ours[i]} for onestroke`,
        )
}

/**
 * Every side once a round, each round beginning with another side.
 *
 * @param {Record<string, Child>} children
 * @param {Settings} settings
 */
export const takeTurns = async (children, { rounds, steps }) => {
  const order = Object.keys(children)
  /** @type {Record<string, Turn[]>} */
  const turns = Object.fromEntries(order.map((side) => [side, []]))
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < order.length; i++) {
      const side = order[(round + i) % order.length]
      await setTimeout(PAUSE_MS)
      turns[side].push(await children[side].ask({ steps }))
    }
  }
  return turns
}

/**
 * @param {readonly Turn[]} turns
 * @param {Settings} settings
 * @param {string} unit what a batch consists of
 */
export const summary = (turns, { steps, batch }, unit = 'images') => {
  const { peak_memory, losses } = turns[turns.length - 1]
  return {
    [`${unit}_per_second`]: rounded((steps * batch) / median(turns.map(({ seconds }) => seconds))),
    peak_memory_mib: Math.round(peak_memory / 2 ** 20),
    loss: rounded(losses[losses.length - 1]),
    seconds: turns.map(({ seconds }) => rounded(seconds)),
  }
}

/**
 * How many times faster ours is than each other side, round by round: the median, and the range.
 *
 * @param {Record<string, Turn[]>} turns
 */
export const ratios = ({ ours, ...others }) =>
  Object.fromEntries(
    Object.entries(others).map(([side, theirs]) => {
      const each = theirs.map(({ seconds }, i) => seconds / ours[i].seconds)
      return [
        `ours_over_${side}`,
        {
          median: rounded(median(each)),
          least: rounded(Math.min(...each)),
          most: rounded(Math.max(...each)),
        },
      ]
    }),
  )

/**
 * @param {Record<string, any>} row
 * @param {Record<string, Turn[]>} turns
 * @param {string} unit
 */
export const say = (row, turns, unit = 'images') => {
  console.log(`${row.case} (${row.about}, ${row.parameters} parameters)`)
  for (const side of Object.keys(turns)) {
    const { [`${unit}_per_second`]: speed, peak_memory_mib } = row[side]
    const ratio = row.ratios[`ours_over_${side}`]
    const against = ratio ? `, ours is ${ratio.median} times as fast (${ratio.least} to ${ratio.most})` : ''
    console.log(`  ${side}: ${speed} ${unit}/s, ${peak_memory_mib} MiB at most${against}`)
  }
  for (const [side, why] of Object.entries(row.failed ?? {})) console.log(`  ${side}: ${why}`)
}
