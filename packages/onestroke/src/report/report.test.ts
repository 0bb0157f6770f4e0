import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Script } from 'node:vm'
import { afterEach, describe, expect, it } from 'vitest'
import { client } from './client.js'
import { type Report, renderReport, writeReport } from './index.js'
import { style } from './style.js'
import { exampleEvaluation, exampleReport, minimalReport } from './testing.js'

/** The start of a PNG: as much as the page reads of one. */
const png = (width = 128, height = 64) => {
  const bytes = new Uint8Array(32)
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  new DataView(bytes.buffer).setUint32(16, width)
  new DataView(bytes.buffer).setUint32(20, height)
  return bytes
}

const render = (report: Report) => renderReport(report, () => png())
const full = render(exampleReport)
/** The page without its scripts and its style. */
const markup = (page: string) => page.replaceAll(/<(script|style)\b[\s\S]*?<\/\1>/g, '')

describe('renderReport', () => {
  it('says it in numbers', () => {
    expect(full).toMatch(/^<!doctype html>\n<html lang="en">/)
    for (const text of [
      '<strong>1.5–2.2 ×</strong> <b>the teacher’s distance to the real pictures, in 1 step</b>',
      '× by random-conv</li>',
      '<strong>12 ×</strong> <b>faster per picture</b>',
      'within 2 % of its best by own features',
      'All of these numbers are made up.',
    ])
      expect(markup(full)).toContain(text)
  })

  it('keeps the order of the page, and links to every part of it', () => {
    const ids = [...markup(full).matchAll(/<h2 id="([^"]+)"/g)].map((m) => m[1])
    expect(ids).toEqual([
      'samples-1',
      'samples-2',
      'quality',
      'curves',
      'numbers',
      'training',
      'machine',
      'reproduce',
      'notes',
    ])
    expect([...full.matchAll(/href="#([^"]+)"/g)].map((m) => m[1])).toEqual(ids)
  })

  it('embeds the pictures, whole pixels enlarged, and marks the student', () => {
    expect(full.match(/<img src="data:image\/png;base64,/g)).toHaveLength(6)
    expect(full).toContain('width="256" height="128"')
    expect(full.match(/<figure class="highlight">/g)).toHaveLength(2)
    expect(renderReport(exampleReport, () => new Uint8Array([1, 2, 3]))).toContain('base64,AQID"')
  })

  it('loads nothing: no address in any attribute or style, and a policy that forbids it', () => {
    for (const [, url] of full.matchAll(/\b(?:src|href|action|poster|srcset|data)="([^"]*)"/g))
      expect(url).toMatch(/^(data:image\/png;|#)/)
    expect(markup(full).replace('http-equiv', '')).not.toMatch(/https?:/)
    expect(full).not.toMatch(/url\(|@import|sourceMappingURL|<link|<iframe|<script src/)
    expect(full).toContain('default-src &#39;none&#39;; img-src data:;')
  })

  it('has the numbers of a plot under it', () => {
    const under = /id="quality-steps-0"[\s\S]*?<details>([\s\S]*?)<\/details>/.exec(full)![1]!
    expect(under).toMatch(
      /<th scope="row">4<\/th><td>10\.35 ± 0\.\d\d<\/td><td>88\.6 ± \d\.\d<\/td><td>—<\/td><td>—<\/td>/,
    )
    expect(under).toMatch(/<p>Training pictures, same name: FID 4\.31 ± 0\.\d\d<\/p>/)
    expect(/id="loss-0"[\s\S]*?<\/details>/.exec(full)![0].match(/<th scope="row">/g)).toHaveLength(12)
  })

  it('needs no script where there is nothing to plot', () => {
    const page = render(minimalReport)
    expect(page).not.toMatch(/<script|<noscript|<canvas/)
    expect(page).toContain('Nothing measured')
    expect(markup(page)).not.toMatch(/NaN|undefined|null|Infinity/)
  })

  it('has numbers or a dash, never NaN', () => {
    const rows = exampleEvaluation.rows.map((row, i) =>
      i % 2 ? row : { ...row, fid: null, recall: Number.NaN, deviation: {}, judges: {} },
    )
    const page = render({
      ...exampleReport,
      evaluation: {
        ...exampleEvaluation,
        rows,
        floor: { kind: 'resample', fid: null, kid: null, judges: {} },
        replay: null,
        real: { seams: {}, diversity: null },
        student_is_student: false,
      },
      denoising: { sigma: [0, 1], student: [Number.NaN], teacher: [], identity: [0, 1] },
      loss: [{ name: 'teacher', points: [] }],
    })
    expect(markup(page)).not.toMatch(/NaN|undefined|>null|Infinity/)
    expect(page).toMatch(/<td data-label="[^"]+">—<\/td>/)
    expect(page).toContain('could not be told from the teacher')
    expect(page).not.toMatch(/drawn at random|<tfoot>/)
  })

  it('writes everything as text, whatever it holds', () => {
    const evil = `</script></style><img src=x onerror="alert('1')">&`
    const poison = (value: unknown): unknown => {
      if (typeof value === 'string') return value + evil
      if (Array.isArray(value)) return value.map(poison)
      if (value && typeof value === 'object')
        return Object.fromEntries(
          Object.entries(value).map(([k, v]) => [k, k === 'who' || k === 'name' ? v : poison(v)]),
        )
      return value
    }
    const report = poison(exampleReport) as Report
    report.data.name = report.loss[0]!.name = report.evaluation!.features.name = evil
    report.runs[0]!.options[evil] = { [evil]: evil }
    const page = render(report)
    expect(page).not.toContain('<img src=x')
    expect(page).not.toContain('onerror="')
    expect(page.match(/<\/script>/g)).toHaveLength(3)
    expect(page.match(/<\/style>/g)).toHaveLength(1)
    expect(page).toContain('&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;')
  })

  it('says the same from its JSON', () => {
    expect(render(JSON.parse(JSON.stringify(exampleReport)) as Report)).toBe(full)
  })

  const tables = (page: string) => page.match(/<table class="numbers">[\s\S]*?<\/table>/g)!
  const rowOf = (table: string, name: string) =>
    new RegExp(`<tr[^>]*>\\s*<th scope="row">${name}</span></th>[\\s\\S]*?</tr>`).exec(table)![0]

  it('has one column for each judge, marks who took part, and makes the best bold', () => {
    const [table] = tables(full) as [string]
    expect(table).toContain('<th scope="colgroup" colspan="3">FID by')
    for (const name of ['own features*', 'random-conv', 'pixels × 10³'])
      expect(table).toContain(`>${name}</th>`)
    expect(rowOf(table, 'Teacher <span>32 Heun steps')).toMatch(
      /<td data-label="Runs">63<\/td>\s*<td data-label="own features\*"><strong>9\.84<\/strong> <small>± 0\.\d\d<\/small><\/td><td data-label="random-conv"><strong>/,
    )
    expect(rowOf(table, 'Student <span>1 step')).toMatch(
      /<td data-label="own features\*">14\.27 <small>± 0\.\d\d<\/small><\/td>/,
    )
    expect(rowOf(table, 'Student <span>1 step')).toContain(
      '<td data-label="ms / picture"><strong>0.560</strong></td>',
    )
    expect(full).not.toContain('Top 1, %')
    expect(full).toContain('* This judge took part in training or choosing the student')
  })

  it('says what the floor is, and does not call it the best that can be', () => {
    const floorOf = (kind: 'test' | 'same-name' | 'resample') => {
      const floor = { ...exampleEvaluation.floor, kind }
      return render({ ...exampleReport, evaluation: { ...exampleEvaluation, floor } })
    }
    expect(rowOf(tables(full)[0]!, 'Real <span>training pictures of the same name, drawn at random')).toMatch(
      />4\.31 <small>± 0\.\d\d<\/small><\/td><td data-label="random-conv">0\.0\d+ <small>/,
    )
    expect(floorOf('test')).toContain('Real <span>training pictures, against test pictures</span>')
    expect(floorOf('resample')).toContain('Real <span>training pictures drawn at random</span>')
    expect(markup(full)).toContain('not a limit')
    expect(markup(full)).not.toMatch(/perfect model|[Rr]eal against real/)
  })

  it('flags what replays training pictures, and makes no KID bold', () => {
    const [, more] = tables(full) as [string, string]
    const kid = (name: string) => /<td data-label="KID × 10³">([\s\S]*?)<\/td>/.exec(rowOf(more, name))![1]!
    const flag = '<small class="flag">replays training pictures</small>'
    // −0.8 less two deviations of 0.6 is −2.
    expect(kid('Student <span>2 steps')).toContain(flag)
    expect(kid('Teacher <span>32 Heun steps')).toContain(flag)
    expect(kid('Student <span>1 step')).not.toContain(flag)
    for (const { steps } of exampleEvaluation.rows.filter(({ who }) => who === 'student'))
      expect(kid(`Student <span>${steps} steps?`)).not.toContain('<strong>')
    expect(kid('Teacher <span>1 DDIM step')).not.toContain('<strong>')
  })

  it('explains every column in words', () => {
    for (const table of tables(full))
      for (const [, name] of table.matchAll(/<th scope="col"[^>]*>([^<]+?)(?: <span|<\/th>)/g))
        if (name !== 'Sampler')
          expect(full).toMatch(
            new RegExp(`<dt>(By )?${name!.replace(' × 10³', '( × 10³)?').replace('*', '\\*')}</dt><dd>\\S`),
          )
  })

  it('lets one choose the judge of the plots, without a script', () => {
    const fieldset = /<fieldset class="judges">[\s\S]*?<\/fieldset>/.exec(full)![0]
    expect(fieldset.match(/<input type="radio" name="judge" id="judge-\d"/g)).toHaveLength(3)
    expect(fieldset.match(/ checked>/g)).toHaveLength(1)
    expect(fieldset.match(/<div class="plots">/g)).toHaveLength(3)
    for (const [, id] of fieldset.matchAll(/<label for="([^"]+)"/g)) expect(fieldset).toContain(`id="${id}"`)
    expect(style).toContain('.judges > input:nth-of-type(3):checked ~ .plots:nth-of-type(3)')
    const [first] = exampleEvaluation.judges
    const alone = render({ ...exampleReport, evaluation: { ...exampleEvaluation, judges: [first!] } })
    expect(alone).not.toContain('<fieldset')
    expect(alone).toContain('id="quality-steps-0"')
  })

  it('says how many of the real pictures it compared with, if not all', () => {
    const data = { ...exampleEvaluation.data, compared: 1024 }
    const some = render({ ...exampleReport, evaluation: { ...exampleEvaluation, data } })
    expect(some).toContain('against 1,024 of 1,583 pictures of')
    expect(full).toContain('against 1,583 pictures of')
  })

  it('says that timing was noisy where fewer steps took longer than more, beside the headline and the table', () => {
    const rows = exampleEvaluation.rows.map((row) =>
      row.who === 'student' && row.steps === 1 ? { ...row, seconds_per_image: 0.0013 } : row,
    )
    const noisy = render({ ...exampleReport, evaluation: { ...exampleEvaluation, rows } })
    expect(noisy.match(/Timing was noisy: fewer steps of one sampler took longer than more/g)).toHaveLength(2)
    expect(full).not.toContain('Timing was noisy')
  })

  it('stands grids that belong together side by side', () => {
    const [section] = exampleReport.sections
    const page = render({ ...exampleReport, sections: [{ ...section!, side_by_side: true }] })
    expect(page).toContain('<div class="grids beside">')
    expect(full).not.toContain('class="grids beside"')
  })

  it('speaks of deviations only where there are several noise seeds', () => {
    const one = render({ ...exampleReport, evaluation: { ...exampleEvaluation, noise_seeds: [7] } })
    expect(full).toContain('with 4 noise seeds (7, 8, 9, 10)')
    expect(full).toContain('standard deviation')
    expect(one).toContain('for each row, from noise seed 7,')
    expect(one).not.toContain('standard deviation')
  })

  it('has accessible tables and pictures', () => {
    expect(markup(full).match(/<th(?=[ >])(?! scope="(?:row|col|colgroup)")/g)).toBeNull()
    expect(full.match(/<img (?![^>]*alt="Sample pictures: )/g)).toBeNull()
    expect(full.match(/<canvas (?![^>]*aria-label=")/g)).toBeNull()
    expect(full.match(/<h1>/g)).toHaveLength(1)
  })

  it('carries scripts that a browser can read', () => {
    for (const [, source] of full.matchAll(/<script>([\s\S]*?)<\/script>/g))
      expect(() => new Script(source!)).not.toThrow()
    const ids = [...client.matchAll(/getElementById\('([^']+)'\)/g)].map((m) => m[1])
    for (const id of ids) expect(full).toContain(`id="${id}"`)
  })
})

describe('writeReport', () => {
  const dirs: string[] = []
  const folder = async () => {
    const dir = await mkdtemp(join(tmpdir(), 'onestroke-report-'))
    dirs.push(dir)
    return join(dir, 'run')
  }
  afterEach(() => Promise.all(dirs.splice(0).map((dir) => rm(dir, { recursive: true }))))

  const names = exampleReport.sections.flatMap((section) => section.grids.map((grid) => grid.png))
  const pictures = Object.fromEntries(names.map((name) => [name, png()]))

  it('writes page, data and pictures, and leaves nothing else behind', async () => {
    const dir = await folder()
    await writeReport(dir, exampleReport, pictures)
    await writeReport(dir, exampleReport, pictures)
    expect((await readdir(dir)).sort()).toEqual(['report.html', 'report.json', ...names].sort())
    expect(JSON.parse(await readFile(join(dir, 'report.json'), 'utf8'))).toEqual(exampleReport)
    expect(await readFile(join(dir, 'report.html'), 'utf8')).toBe(full)
    expect(new Uint8Array(await readFile(join(dir, 'real.png')))).toEqual(png())
  })

  it('refuses names that lead elsewhere, and pictures that are not there, before it writes', async () => {
    const dir = await folder()
    await expect(writeReport(dir, exampleReport, { ...pictures, '../x.png': png() })).rejects.toThrow(
      '../x.png',
    )
    await expect(writeReport(dir, exampleReport, {})).rejects.toThrow('no picture teacher-heun-32.png')
    await expect(readdir(dir)).rejects.toThrow('ENOENT')
  })
})
