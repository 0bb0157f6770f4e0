import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Script } from 'node:vm'
import { afterEach, describe, expect, it } from 'vitest'
import { client } from './client.js'
import { exampleEvaluation, exampleReport, minimalReport } from './example.js'
import { type Report, renderReport, writeReport } from './index.js'

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
      'FID 14.3',
      'Teacher: 9.84 in 32 Heun steps.',
      'Skipping steps instead, 1 DDIM step: 301.',
      '×61',
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
    const under = /id="quality-steps"[\s\S]*?<details>([\s\S]*?)<\/details>/.exec(full)![1]!
    expect(under).toContain('<th scope="row">4</th><td>10.3</td><td>88.6</td><td>—</td>')
    expect(under).toContain('<p>Real against real: FID 4.31</p>')
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
      i % 2 ? row : { ...row, fid: null, recall: Number.NaN },
    )
    const page = render({
      ...exampleReport,
      evaluation: { ...exampleEvaluation, rows, floor: { fid: null, kid: null }, student_is_student: false },
      denoising: { sigma: [0, 1], student: [Number.NaN], teacher: [], identity: [0, 1] },
      loss: [{ name: 'teacher', points: [] }],
    })
    expect(markup(page)).not.toMatch(/NaN|undefined|>null|Infinity/)
    expect(page).toContain('<td>—</td>')
    expect(page).toContain('could not be told from the teacher')
    expect(page).not.toContain('Real against real')
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

  it('lines its columns up, and makes the best bold', () => {
    const row = (who: string, steps: number) =>
      new RegExp(`<tr class="${who}">(?:(?!</tr>).)*<td>${steps}</td>.*?</tr>`, 's').exec(full)![0]
    expect(row('teacher', 32)).toContain('<td><strong>9.84</strong></td><td><strong>3.92</strong></td>')
    expect(row('teacher', 32)).toContain('<td>34.10</td>')
    expect(row('student', 1)).toContain('<td>14.27</td>')
    expect(row('student', 1)).toContain('<td><strong>0.56</strong></td>')
    expect(full).not.toContain('Top 1, %')
  })

  it('has accessible tables and pictures', () => {
    expect(markup(full).match(/<th(?=[ >])(?! scope="(?:row|col)")/g)).toBeNull()
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
