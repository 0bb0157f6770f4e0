/**
 * Draws docs/teacher-and-student.png: the same prompts and noises through the teacher in many steps, the teacher
 * skipping steps, and the student in one.
 *
 *     npm run build && node docs/pictures.js
 */
import { writeFile } from 'node:fs/promises'
import { loadModel, Model, pngGrid } from 'onestroke'
import sharp from 'sharp'

const PROMPTS = [
  'red heart',
  'cat face',
  'red apple',
  'pizza',
  'grinning face',
  'owl',
  'birthday cake',
  'tulip',
  'fox',
  'strawberry',
  'ghost',
  'palm tree',
  'snail',
  'mushroom',
  'cheese wedge',
  'panda',
]
const SEED = 3
const ROWS = [
  {
    who: 'teacher',
    label: 'teacher, 12 steps of DPM-Solver++',
    options: { solver: 'dpmpp_2m', num_inference_steps: 12 },
  },
  { who: 'teacher', label: 'teacher, 1 DDIM step', options: { solver: 'ddim', num_inference_steps: 1 } },
  { who: 'student', label: 'student, 1 step', options: { num_inference_steps: 1 } },
]

const models = {
  teacher: Model.of(await loadModel('models/emoji-32-teacher')),
  student: Model.of(await loadModel('models/emoji-32-student')),
}
const [LABEL, SCALE] = [26, 2]
const layers = []
let [top, width] = [0, 0]
for (const { who, label, options } of ROWS) {
  const model = models[/** @type {'teacher' | 'student'} */ (who)]
  const pictures = await model.generate({ prompts: PROMPTS, seed: SEED, .../** @type {object} */ (options) })
  const grid = await pngGrid(pictures, { columns: PROMPTS.length, scale: SCALE, background: [255, 255, 255] })
  const size = await sharp(grid).metadata()
  width = size.width ?? 0
  const text = `<svg width="${width}" height="${LABEL}"><text x="2" y="18" font-family="sans-serif" font-size="15" fill="#444">${label}</text></svg>`
  layers.push({ input: Buffer.from(text), top, left: 0 }, { input: grid, top: top + LABEL, left: 0 })
  top += LABEL + (size.height ?? 0) + 6
}
const canvas = sharp({ create: { width, height: top, channels: 3, background: '#fff' } })
await writeFile('docs/teacher-and-student.png', await canvas.composite(layers).png().toBuffer())
