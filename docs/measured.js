/**
 * Writes docs/measured.md, and the measured numbers of README.md, from benchmarks/results, and the options in docs/methods.md
 * from the methods:
 *
 *     npm run docs
 *
 * The words of docs/measured.md are in docs/measured.template.md, where {{name}} stands for one of NUMBERS below. In README.md
 * and docs/methods.md a number or table stands between <!-- name --> and <!-- / -->. `tests/docs.test.ts` fails if the committed
 * files are not what this writes.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { METHODS } from '@onestroke/core/consistency'
import { mean, spread } from '../benchmarks/lib/statistics.js'

const read = (/** @type {string} */ path) => readFileSync(new URL(path, import.meta.url), 'utf8')
/** @param {string} name @returns {any} what the benchmark found: its own document, see its file. */
const resultsOf = (name) => JSON.parse(read(`../benchmarks/results/${name}.json`)).results

/** Rounded as people do, half up: 1.115 is 1.12, though it is stored as a little less. */
const fixed = (/** @type {number} */ x, digits = 2) => (x * (1 + 1e-12)).toFixed(digits)
const times = (/** @type {number} */ x, digits = 2) => `${fixed(x, digits)} ×`
const percent = (/** @type {number | null} */ share, digits = 0) =>
  share === null ? '' : `${fixed(100 * share, digits)} %`
const whole = (/** @type {number} */ x) => Math.round(x).toLocaleString('en')
const plusMinus = (/** @type {number} */ x, /** @type {number} */ sd, digits = 2) =>
  `${fixed(x, digits)} ± ${fixed(sd, digits)}`
/** Rounds to the digits that mean something: 124, 40.3, 2.1. */
const short = (/** @type {number} */ x) => fixed(x, x >= 99.5 ? 0 : 1)
const stepsText = (/** @type {number} */ steps) => `${steps} step${steps === 1 ? '' : 's'}`

/** @param {readonly string[]} head @param {readonly (readonly string[])[]} rows */
const table = (head, rows) => [lineOf(head), `|${'---|'.repeat(head.length)}`, ...rows.map(lineOf)].join('\n')
const lineOf = (/** @type {readonly string[]} */ cells) =>
  `|${cells.map((cell) => (cell === '' ? ' ' : ` ${cell} `)).join('|')}|`

/** @type {Readonly<Record<string, string>>} */
const SOLVERS = { ddim: 'DDIM', heun: 'Heun', dpmpp_2m: 'DPM-Solver++' }
/** @param {{ who: string, solver: string }} row */
const sampler = ({ who, solver }) => (who === 'student' ? 'student' : `teacher, ${SOLVERS[solver]}`)
/** @type {Readonly<Record<string, string>>} */
const MODELS = {
  'emoji-16-student': '16×16 student',
  'emoji-32-student': '32×32 student',
  'emoji-32-half': '32×32 student of half the blocks',
}

// ── methods ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * What the methods say of an option, each text with the methods that say so.
 * @param {string} name @param {(option: import('@onestroke/core/diffusion').Option) => string} tell
 */
const saidOf = (name, tell) => {
  /** @type {Map<string, string[]>} */
  const said = new Map()
  for (const method of Object.values(METHODS)) {
    const option = method.rules[name]
    if (!option) continue
    const text = tell(option)
    said.set(text, [...(said.get(text) ?? []), `\`${method.name}\``])
  }
  return [...said].map(([text, methods]) => ({ text, all: `${text}: ${methods.join(', ')}` }))
}

/** Options of the methods by name: what each may be, and its defaults. */
const methodOptions = () => {
  const names = new Set(Object.values(METHODS).flatMap(({ rules }) => Object.keys(rules)))
  return table(
    ['option', 'what it may be', 'default'],
    [...names].map((name) => {
      const kinds = saidOf(name, ({ expected }) => expected)
      const defaults = saidOf(name, (option) => String(option.default))
      return [
        `\`${name}\``,
        kinds.map(({ text, all }) => (kinds.length === 1 ? text : all)).join('; '),
        defaults.map(({ all }) => all).join('; '),
      ]
    }),
  )
}

// ── quality ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const emoji = resultsOf('emoji')
/** What is shown of each judge: distances times so much, with so many digits. */
const JUDGES = /** @type {const} */ ([
  ['own', 1000, 1],
  ['random-conv', 1, 2],
  ['pixels', 1, 2],
])

/** The teacher's row that a judge likes best. */
const best = (/** @type {any[]} */ rows, /** @type {string} */ judge) =>
  rows
    .filter(({ who }) => who === 'teacher')
    .reduce((a, b) => (b.judges[judge].fid.mean < a.judges[judge].fid.mean ? b : a))
/** Ratios to the teacher's best by a judge, one for each noise seed. @returns {number[]} */
const ratios = (/** @type {any[]} */ rows, /** @type {any} */ row, /** @type {string} */ judge) => {
  const theirs = best(rows, judge).judges[judge].fid.values
  return row.judges[judge].fid.values.map(
    (/** @type {number} */ value, /** @type {number} */ i) => value / theirs[i],
  )
}

/** Distances of rows by every judge, in brackets over the teacher's best. */
const distances = (
  /** @type {any} */ { rows, floor },
  /** @type {(row: any) => boolean} */ shown,
  withFloor = false,
) =>
  table(
    ['', 'steps', ...JUDGES.map(([name, scale]) => (scale === 1 ? name : `${name} × ${scale}`))],
    [
      ...rows.filter(shown).map((/** @type {any} */ row) => [
        sampler(row),
        String(row.steps),
        ...JUDGES.map(([name, scale, digits]) => {
          const { fid } = row.judges[name]
          const ratio = row === best(rows, name) ? '1 ×' : times(mean(ratios(rows, row, name)))
          return `${plusMinus(scale * fid.mean, scale * fid.sd, digits)} (${ratio})`
        }),
      ]),
      ...(withFloor
        ? [
            [
              'training pictures of the same name',
              '–',
              ...JUDGES.map(([name, scale, digits]) => {
                const { fid } = floor.judges[name]
                return plusMinus(scale * fid.mean, scale * fid.sd, digits)
              }),
            ],
          ]
        : []),
    ],
  )

const likeness = (/** @type {any} */ { rows }) =>
  table(
    ['', 'steps', 'prompt named', 'between two', 'near-copies', 'diversity', 'edges', 'seams'],
    rows
      .filter((/** @type {any} */ row) =>
        row.who === 'student' ? row.steps <= 4 : row === best(rows, 'own'),
      )
      .map((/** @type {any} */ row) => [
        sampler(row),
        String(row.steps),
        percent(row.prompt_top1, 1),
        percent(row.between),
        percent(row.copies),
        fixed(row.diversity, 3),
        fixed(row.edge_energy),
        fixed(row.seams),
      ]),
  )

const quality16 = emoji['emoji-16-student']
const qualityHalf = resultsOf('emoji-32')['emoji-32-half']
const repeatability = resultsOf('repeatability')

/** README's table: multiples of the teacher's best. */
const readmeQuality = () => {
  const { rows } = quality16
  const multiples = (/** @type {any} */ row) =>
    JUDGES.map(([name]) => {
      const all = ratios(rows, row, name)
      return row === best(rows, name) ? '1' : plusMinus(mean(all), spread(all))
    })
  const nameOf = (/** @type {any} */ { who, steps }) =>
    `${who === 'student' ? 'student' : 'teacher, skipping steps'}, ${stepsText(steps)}`
  const top = best(rows, 'own')
  return table(
    ['emoji at 16×16', 'passes of a network', 'own features', 'random-conv', 'pixels'],
    [
      ...rows
        .filter(
          (/** @type {any} */ { who, solver, steps }) =>
            steps <= 4 && (who === 'student' || solver === 'ddim'),
        )
        .map((/** @type {any} */ row) => [nameOf(row), String(row.nfe), ...multiples(row)]),
      ['teacher at its best', String(top.nfe), ...multiples(top)],
    ],
  )
}

// ── quality by the former judge ─────────────────────────────────────────────────────────────────────────────────────

const former = resultsOf('emoji-0.1.0')
const leastFid = (/** @type {any[]} */ rows) =>
  Math.min(...rows.filter(({ who }) => who === 'teacher').map(({ fid }) => fid))

/** FIDs of models that have one teacher, whose rows are those of the first evaluation. */
const fids = (
  /** @type {[[name: string, evaluation: any], ...[name: string, evaluation: any][]]} */ models,
  digits = 1,
  shown = (/** @type {any} */ _row) => true,
) => {
  const { rows: all } = models[0][1]
  const least = leastFid(all)
  const named = all.some((/** @type {any} */ { prompt_top1 }) => prompt_top1 !== null)
  const row = (/** @type {string} */ name, /** @type {any} */ { steps, fid, prompt_top1 }) => [
    name,
    String(steps),
    fixed(fid, digits),
    fid === least ? '1' : times(fid / least),
    ...(named ? [percent(prompt_top1)] : []),
  ]
  return table(
    ['', 'steps', 'FID', "of the teacher's best", ...(named ? ['prompt named'] : [])],
    [
      ...models.flatMap(([name, { rows }]) =>
        rows
          .filter((/** @type {any} */ { who }) => who === 'student')
          .map((/** @type {any} */ one) => row(name, one)),
      ),
      ...all
        .filter((/** @type {any} */ one) => one.who === 'teacher' && shown(one))
        .map((/** @type {any} */ one) => row(sampler(one), one)),
    ],
  )
}

const methods = () => {
  const [emoji20, longer, mnist] = ['methods', 'methods-longer', 'methods-mnist'].map(resultsOf)
  const at = (/** @type {any} */ { steps: all }, /** @type {number} */ steps) =>
    all.find((/** @type {any} */ one) => one.steps === steps).of_teacher
  const nameOf = (/** @type {string} */ method) =>
    ({ ecd: 'ecd-four-levels', 'ecd-whole-way': 'ecd' })[method] ?? method
  const row = (/** @type {string} */ about, /** @type {any} */ method, /** @type {number} */ steps) => [
    about,
    String(steps),
    `\`${nameOf(method.method)}\``,
    times(at(method, steps)),
  ]
  const [first] = longer.methods
  return table(
    ['comparison', 'steps', 'method', "of the teacher's best"],
    [
      ...[1, 2, 4, 8].map((steps) =>
        row(
          'emoji 16×16, 20,000 images, three trainings',
          emoji20.methods.reduce((/** @type {any} */ a, /** @type {any} */ b) =>
            at(b, steps) < at(a, steps) ? b : a,
          ),
          steps,
        ),
      ),
      ...[1, 2, 4].map((steps) => row('emoji 16×16, 60,000 images, two trainings', first, steps)),
      ...['ecd-whole-way', 'ecd', 'soflow', 'cd'].flatMap((name) =>
        [1, 2, 4].map((steps) =>
          row(
            'MNIST 16×16, 10,000 images, three trainings',
            mnist.methods.find((/** @type {any} */ { method }) => method === name),
            steps,
          ),
        ),
      ),
    ],
  )
}

const guidance = resultsOf('guidance')
const sizes = resultsOf('sizes')
const architecture = resultsOf('architecture')

// ── speed and memory ────────────────────────────────────────────────────────────────────────────────────────────────

const SPEEDS = ['emoji-16-student', 'emoji-16-guided']
const rowAt = (
  /** @type {any} */ { rows },
  /** @type {string} */ who,
  /** @type {number} */ steps,
  solver = '',
) =>
  rows.find(
    (/** @type {any} */ row) => row.who === who && row.steps === steps && row.solver.startsWith(solver),
  )
const fasterThanBest = (/** @type {any} */ evaluation) =>
  best(evaluation.rows, 'own').seconds_per_image / rowAt(evaluation, 'student', 1).seconds_per_image

const sampling = () => {
  const all = SPEEDS.map((name) => emoji[name])
  const { solver, steps } = best(all[0].rows, 'own')
  const line = (/** @type {string} */ name, /** @type {(evaluation: any) => any} */ of) => [
    name,
    ...all.map((one) => fixed(1000 * of(one).seconds_per_image)),
  ]
  return table(
    ['', ...SPEEDS.map((name) => `\`${name}\``)],
    [
      ...[1, 2, 4].map((n) => line(`student, ${stepsText(n)}`, (one) => rowAt(one, 'student', n))),
      line(`teacher, ${steps} ${SOLVERS[solver]} steps`, (one) => best(one.rows, 'own')),
      ["one step is faster than the teacher's best", ...all.map((one) => times(fasterThanBest(one), 1))],
    ],
  )
}

const FORMER_SPEEDS = /** @type {const} */ (['emoji-16-student', 'emoji-32-student', 'emoji-32-half'])
const FORMER_HEAD = ['16×16', '32×32', '32×32, half the blocks']
const FORMER_TEACHERS = /** @type {const} */ ([
  ['dpmpp_2m', 20],
  ['heun', 18],
  ['heun', 32],
])
const formerSampling = () =>
  table(
    ['', ...FORMER_HEAD],
    [
      ...[1, 2, 4].map((steps) => [
        `student, ${stepsText(steps)}`,
        ...FORMER_SPEEDS.map((name) => short(1000 * rowAt(former[name], 'student', steps).seconds_per_image)),
      ]),
      ...FORMER_TEACHERS.map(([solver, steps]) => [
        `teacher, ${steps} ${SOLVERS[solver]} steps`,
        ...FORMER_SPEEDS.map((name) =>
          short(1000 * rowAt(former[name], 'teacher', steps, solver).seconds_per_image),
        ),
      ]),
    ],
  )
const formerSpeedUps = () =>
  table(
    ["than the teacher's", ...FORMER_HEAD],
    FORMER_TEACHERS.map(([solver, steps]) => [
      `${steps} ${SOLVERS[solver]} steps`,
      ...FORMER_SPEEDS.map((name) => {
        const [slow, fast] = [
          rowAt(former[name], 'teacher', steps, solver),
          rowAt(former[name], 'student', 1),
        ]
        return times(slow.seconds_per_image / fast.seconds_per_image, 0)
      }),
    ]),
  )

const throughput = resultsOf('training-throughput').rows
/** @type {Readonly<Record<string, string>>} */
const CASES = { 'small-16': 'hourglass, 16×16', 'base-32': 'hourglass, 32×32', 'unet-16': 'U-Net, 16×16' }
const caseOf = (/** @type {string} */ name) => throughput.find((/** @type {any} */ one) => one.case === name)

const loop = resultsOf('training-loop')
const web = resultsOf('web')
const frames = resultsOf('frames')
const server = resultsOf('server')
const exported = resultsOf('export')
const latency = resultsOf('sample-latency')
/** Gzipped size of onnxruntime's WebAssembly and the script around it. */
const onnxruntime = (/** @type {string} */ part, /** @type {string} */ script) => {
  const wasm = Object.keys(web.files).find((name) => name.includes(part) && name.endsWith('.wasm'))
  if (wasm === undefined) throw new RangeError(`no file of the web bundle is called ${part}`)
  return `${fixed((web.files[wasm].gzip + web.files[script].gzip) / 1e6, 1)} MB`
}
const pageTasks = web.rows.map((/** @type {any} */ { page_tasks }) => page_tasks)
const most = (/** @type {any[]} */ items, /** @type {string} */ key) =>
  Math.max(...items.map((one) => one[key]))
const [shared, single] = server.rows

/** Every table and number, by the name that the template and README call it. @type {Readonly<Record<string, () => string>>} */
export const NUMBERS = {
  'quality 16': () => distances(quality16, () => true, true),
  'likeness 16': () => likeness(quality16),
  'quality guided': () =>
    distances(emoji['emoji-16-guided'], ({ who, steps }) => who === 'student' && steps <= 4),
  'quality half': () => distances(qualityHalf, () => true, true),
  'likeness half': () => likeness(qualityHalf),
  repeatability: () => {
    const cell = (/** @type {any} */ { relative_sd, within_goal }) =>
      `${percent(relative_sd, 1)}${within_goal ? '' : ' (not reached)'}`
    return table(
      [
        '',
        `half of the real pictures against the other, ${repeatability.splits} splits`,
        "a student's one step, five noise seeds",
      ],
      Object.entries(repeatability.sides).flatMap(([side, judges]) =>
        Object.entries(judges).map(([judge, { halves, noise }]) => [
          `${side}×${side}, ${judge}`,
          cell(halves),
          cell(noise),
        ]),
      ),
    )
  },
  'former quality 32': () =>
    fids([
      ['student', former['emoji-32-student']],
      ['student of half the blocks', former['emoji-32-half']],
    ]),
  'former quality 16': () => fids([['student', former['emoji-16-student']]], 2),
  mnist: () =>
    fids(
      [['student', resultsOf('mnist')]],
      1,
      ({ solver, steps }) => (solver === 'ddim' && steps === 4) || solver === 'dpmpp_2m',
    ),
  methods,
  guidance: () =>
    table(
      ['scale', 'student, FID', 'teacher, FID', 'student, prompt named', 'teacher, prompt named'],
      Object.entries(guidance.scales)
        .sort(([a], [b]) => Number(a) - Number(b))
        .map(([scale, { student, teacher }]) => [
          scale,
          fixed(student.fid),
          fixed(teacher.fid),
          percent(student.prompt_top1),
          percent(teacher.prompt_top1),
        ]),
    ),
  'negative student': () => times(guidance.negative.student.kept),
  'negative teacher': () => times(guidance.negative.teacher.kept),
  sizes: () => {
    const names = { small: "the teacher's size", half: 'half of its blocks', tiny: '`tiny`, from nothing' }
    return table(
      ['student', 'million weights', '1 step', '2 steps', '4 steps'],
      Object.entries(names).map(([preset, name]) => {
        const { parameters, steps } = sizes.presets[preset]
        return [name, fixed(parameters / 1e6, 1), ...[1, 2, 4].map((n) => short(steps[n].fid))]
      }),
    )
  },
  networks: () => {
    /** @type {Readonly<Record<string, string>>} */
    const names = { hourglass: 'hourglass transformer', unet: 'U-Net' }
    return table(
      ['network', 'images seen', 'images a second', 'FID at its best'],
      architecture.rows.map((/** @type {any} */ { network, images, images_per_second, best: { fid } }) => [
        names[network],
        whole(images),
        whole(images_per_second),
        whole(fid),
      ]),
    )
  },
  sampling,
  latency: () => `${fixed(latency.median_seconds, 1)} s`,
  'former sampling': formerSampling,
  'former speed-ups': formerSpeedUps,
  'training throughput': () =>
    table(
      ['network', 'ours', 'PyTorch', '`torch.compile`', 'over PyTorch', 'over `torch.compile`'],
      throughput.map((/** @type {any} */ row) => [
        CASES[row.case],
        ...[row.ours, row.torch, row.torch_compile].map((one) => whole(one.images_per_second)),
        times(row.ratios.ours_over_torch.median),
        times(row.ratios.ours_over_torch_compile.median),
      ]),
    ),
  'training loop': () =>
    table(
      ['preset', 'share'],
      loop.rows.map((/** @type {any} */ { preset, resolution, graph_share }) => [
        `\`${preset}\`, ${resolution}×${resolution}`,
        percent(graph_share),
      ]),
    ),
  memory: () =>
    table(
      ['network', 'ours', 'PyTorch', '`torch.compile`'],
      throughput.map((/** @type {any} */ row) => [
        CASES[row.case],
        ...[row.ours, row.torch, row.torch_compile].map((one) => String(one.peak_memory_mib)),
      ]),
    ),
  web: () =>
    table(
      [
        'model',
        'weights',
        'Chromium, ms',
        'Node, ms',
        'Chromium over Node',
        "from a slider's event to the page, ms",
      ],
      web.rows.map((/** @type {any} */ row) => [
        MODELS[row.model],
        row.dtype,
        fixed(row.web_ms, 1),
        fixed(row.node_ms, 1),
        times(row.web_over_node, 1),
        fixed(row.slider_to_pixels_ms, 1),
      ]),
    ),
  'page tasks': () =>
    table(
      ["the page's own thread, over all rows", ''],
      [
        [
          'tasks',
          whole(
            pageTasks.reduce((/** @type {number} */ sum, /** @type {any} */ { count }) => sum + count, 0),
          ),
        ],
        ['longest task', `${fixed(most(pageTasks, 'longest_ms'), 1)} ms`],
        ['longest time that one computed', `${fixed(most(pageTasks, 'longest_cpu_ms'), 1)} ms`],
      ],
    ),
  downloads: () =>
    table(
      ['what a visitor loads, compressed', ''],
      [
        ["onnxruntime's WebAssembly", onnxruntime('simd-threaded', 'ort.wasm.bundle.min.js')],
        ['… with WebGPU', onnxruntime('jspi', 'ort.jspi.bundle.min.js')],
        ['… with WebGPU, in browsers without JSPI', onnxruntime('asyncify', 'ort.webgpu.bundle.min.js')],
      ],
    ),
  frames: () =>
    table(
      ['', 'frames a second', 'longest frame'],
      frames.rows.map((/** @type {any} */ { painting, frames_per_second, frame_ms }) => [
        painting ? 'while textures are painted' : 'without',
        whole(frames_per_second),
        `${fixed(frame_ms.longest, 1)} ms`,
      ]),
    ),
  server: () =>
    table(
      ['', 'requests share runs', 'each request has its own run'],
      [
        ['pictures a second', ...[shared, single].map((row) => whole(row.requests_per_second))],
        [
          "event loop's delay, 99 % below",
          ...[shared, single].map((row) => `${fixed(row.event_loop_delay_p99_ms, 1)} ms`),
        ],
      ],
    ),
  'server speed-ups': () =>
    table(
      [`faster with shared runs, over ${server.speed_ups.length} rounds`, ''],
      [
        ['median', times(server.shared_runs_speed_up, 1)],
        ['least', times(Math.min(...server.speed_ups), 1)],
        ['most', times(Math.max(...server.speed_ups), 1)],
        [`answers lost, of ${whole(server.requests_each)}`, String(server.lost)],
        ['answers mixed up', String(server.mixed_up)],
      ],
    ),
  export: () =>
    table(
      ['model', 'weights', 'MB', 'off', 'FID', 'speed in WebAssembly', 'speed in Node'],
      exported.rows.map(
        (/** @type {any} */ { model, dtype, megabytes: size, rmse_to_fp32, steps: [one] }) => {
          const speed = web.rows.find((/** @type {any} */ row) => row.model === model && row.dtype === dtype)
          const over = (/** @type {number} */ x) => (dtype === 'fp32' ? '1' : times(x))
          return [
            MODELS[model],
            dtype,
            fixed(size, 1),
            rmse_to_fp32 === 0 ? '0' : fixed(rmse_to_fp32, 3),
            over(one.fid_ratio),
            ...(speed ? [over(speed.speed_of_fp32.web), over(speed.speed_of_fp32.node)] : ['', '']),
          ]
        },
      ),
    ),
  'method options': methodOptions,
  'readme quality': readmeQuality,
  'readme numbers': () => {
    const slider = web.rows.find((/** @type {any} */ { model }) => model === 'emoji-16-student')
    const size = exported.rows.find(
      (/** @type {any} */ { model, dtype }) => model === 'emoji-16-student' && dtype === 'int8',
    ).megabytes
    return table(
      ['', ''],
      [
        [
          `student's one step against ${stepsText(best(quality16.rows, 'own').steps)} of the teacher, its best, 16×16`,
          `${times(fasterThanBest(quality16), 1)} faster`,
        ],
        [
          'training against PyTorch, the same hourglass network at 32×32, two threads',
          `${times(caseOf('base-32').ratios.ours_over_torch.median)} as fast`,
        ],
        ['the 16×16 student, exported in int8', `${fixed(size, 1)} MB`],
        [
          "from a slider's event to the picture in a page, in Chromium",
          `${whole(slider.slider_to_pixels_ms)} ms`,
        ],
        [
          `pictures a second from \`serve\`, ${server.clients} clients, two cores`,
          whole(Number(shared.requests_per_second.toPrecision(2))),
        ],
      ],
    )
  },
}

const numberNamed = (/** @type {string} */ name) => {
  const number = NUMBERS[name]
  if (!number)
    throw new RangeError(`no number is called ${name}; there are ${Object.keys(NUMBERS).join(', ')}`)
  return number()
}

/** What docs/measured.md should be. */
export const measured = (template = read('measured.template.md')) =>
  template
    .replace(
      /^<!--[\s\S]*?-->\n/,
      '<!-- Written by `npm run docs`, from measured.template.md and benchmarks/results. -->\n',
    )
    .replace(/\{\{(.+?)\}\}/g, (_, name) => numberNamed(name))

const BLOCK = /<!-- ([\w -]+) -->([\s\S]*?)<!-- \/ -->/g
/** What a file should be that holds numbers and tables between marks. */
const marked = (/** @type {string} */ text) =>
  text.replace(BLOCK, (_, name, old) => {
    const [before, after] = old.startsWith('\n') ? ['\n\n', '\n\n'] : ['', '']
    return `<!-- ${name} -->${before}${numberNamed(name)}${after}<!-- / -->`
  })

/** What README.md should be. */
export const readme = () => marked(read('../README.md'))
/** What docs/methods.md should be. */
export const methodsPage = () => marked(read('methods.md'))

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(new URL('measured.md', import.meta.url), measured())
  writeFileSync(new URL('../README.md', import.meta.url), readme())
  writeFileSync(new URL('methods.md', import.meta.url), methodsPage())
  console.log('docs/measured.md, README.md, docs/methods.md')
}
