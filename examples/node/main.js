/**
 * onestroke as a library: loads an exported model, paints pictures, goes from one prompt to another, and says how long a
 * picture takes.
 *
 *     node main.js [FOLDER OF THE EXPORT] [FOLDER FOR THE PICTURES]
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openPipeline, pngGrid } from 'onestroke'

const [folder = 'model', out = '.'] = process.argv.slice(2)
const pipeline = await openPipeline(folder)

const prompts = [
  'red heart',
  'cat face',
  'owl',
  'hot dog',
  'crying face',
  'green apple',
  'penguin',
  'birthday cake',
]
await writeFile(
  join(out, 'pictures.png'),
  await pngGrid(await pipeline.generate({ prompts, seed: 1 }), { columns: 4 }),
)

const count = 8
const way = await pipeline.generate({
  prompts: Array(count).fill('red heart'),
  seeds: Array(count).fill(1),
  to: { prompt: 'cat face', seed: 2, weights: Array.from({ length: count }, (_, i) => i / (count - 1)) },
})
await writeFile(join(out, 'way.png'), await pngGrid(way, { columns: count }))

/** @type {number[]} */
const times = []
for (let seed = 0; seed < 50; seed++) {
  const begin = performance.now()
  await pipeline.generate({ prompts: ['red heart'], seed, num_inference_steps: 1 })
  times.push(performance.now() - begin)
}
const [median, p95] = [0.5, 0.95].map(
  (share) => times.toSorted((a, b) => a - b)[Math.floor(share * times.length)],
)
console.log(
  `pictures.png, way.png; a picture in one step: ${median?.toFixed(1)} ms (95 %: ${p95?.toFixed(1)} ms)`,
)
await pipeline.release()
