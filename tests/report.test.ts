/** The report's page as a browser shows it: nothing is cut, nothing overlaps, and student and teacher stand side by side. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { pngGrid } from '../packages/onestroke/src/formats/index.js'
import { type Report, renderReport } from '../packages/onestroke/src/report/index.js'
import { exampleEvaluation, exampleReport } from '../packages/onestroke/src/report/testing.js'
import { launch } from './web/browser.js'
import { describeInBrowser } from './web/describe.js'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

/** What is hardest to fit: all columns, long names, steps that lie close to each other. */
const evaluation = {
  ...exampleEvaluation,
  rows: exampleEvaluation.rows
    .map((row) => ({ ...row, prompt_top1: 0.987, prompt_top5: 0.999 }))
    .flatMap((row) => (row.solver === 'dpmpp_2m' ? [row, { ...row, steps: 13, nfe: 13 }] : [row])),
}
const [grids] = exampleReport.sections
const report: Report = {
  ...exampleReport,
  evaluation,
  sections: [{ ...grids!, side_by_side: true, grids: grids!.grids.slice(-2) }],
}

describeInBrowser('the report’s page', () => {
  let browser: Browser
  let page: Page
  const folder = mkdtemp(join(tmpdir(), 'onestroke-report-'))
  beforeAll(async () => {
    const grid = { data: new Float32Array(32 * 3 * 32 * 32), channels: 3, height: 32, width: 32 } as const
    const png = await pngGrid({ ...grid, count: 32 }, { columns: 8 })
    const file = join(await folder, 'report.html')
    await writeFile(
      file,
      renderReport(report, () => png),
    )
    browser = await launch()
    page = await browser.newPage()
    await page.goto(pathToFileURL(file).href)
    await page.evaluate(() => {
      for (const details of document.querySelectorAll('details')) details.open = true
    })
  })
  afterAll(async () => {
    await browser.close()
    await rm(await folder, { recursive: true })
  })

  for (const width of [390, 1280, 1440])
    describe(`${width} pixels wide`, () => {
      beforeAll(() => page.setViewportSize({ width, height: 900 }))

      it('needs no scrolling sideways, neither the page nor a part of it', async () => {
        const cut = () =>
          page.evaluate(() =>
            [document.documentElement, ...document.querySelectorAll('body *')]
              .filter((one) => one.clientWidth > 0 && one.scrollWidth > one.clientWidth + 1)
              .filter(
                (one) =>
                  !['visible', 'clip'].includes(getComputedStyle(one).overflowX) ||
                  one === document.documentElement,
              )
              .filter((one) => one.tagName !== 'THEAD')
              .map((one) => `${one.tagName} ${one.getAttribute('aria-label')} ${one.scrollWidth}`),
          )
        // Charts follow a window's new width a moment later.
        await expect.poll(cut).toEqual([])
        // Every number lies within its table.
        const outside = await page.evaluate(
          () =>
            [...document.querySelectorAll('.scroll td, .scroll tbody th')].filter((cell) => {
              const [inner, outer] = [cell, cell.closest('.scroll')!].map((one) =>
                one.getBoundingClientRect(),
              )
              return inner!.right > outer!.right + 1 || inner!.left < outer!.left - 1
            }).length,
        )
        expect(outside).toBe(0)
      })

      it('has ticks that do not overlap', async () => {
        type Scale = {
          ticks: { label: string }[]
          ctx: CanvasRenderingContext2D
          getPixelForTick(i: number): number
          isHorizontal(): boolean
        }
        const overlaps = () =>
          page.evaluate(() => {
            const { Chart } = window as unknown as {
              Chart: {
                getChart(canvas: Element): { ctx: CanvasRenderingContext2D; scales: Record<string, Scale> }
              }
            }
            const found: string[] = []
            for (const canvas of document.querySelectorAll('canvas')) {
              if (canvas.clientWidth === 0) continue
              const { scales, ctx } = Chart.getChart(canvas)
              ctx.font = `12px ${getComputedStyle(document.body).fontFamily}`
              for (const scale of Object.values(scales)) {
                const labels = scale.ticks.map(({ label }, i) => {
                  const size = scale.isHorizontal() ? ctx.measureText(label).width : 12
                  return { label, at: scale.getPixelForTick(i), size }
                })
                labels.sort((a, b) => a.at - b.at)
                for (const [i, { label, at, size }] of labels.entries()) {
                  const next = labels[i + 1]
                  if (next && next.at - next.size / 2 < at + size / 2)
                    found.push(`${canvas.id}: ${label} ${next.label}`)
                }
                if (labels.length < 2) found.push(`${canvas.id} has ${labels.length} ticks`)
              }
            }
            return found
          })
        await expect.poll(overlaps).toEqual([])
      })

      it('stands student and teacher side by side where there is room', async () => {
        const tops = await page.evaluate(() =>
          [...document.querySelectorAll('.beside figure')].map((one) =>
            Math.round(one.getBoundingClientRect().top),
          ),
        )
        expect(tops).toHaveLength(2)
        expect(new Set(tops).size).toBe(width > 700 ? 1 : 2)
      })
    })

  it('shows a loss that was measured once', async () => {
    const once = { name: 'student', points: [{ images: 640, loss: 0.1 }] }
    const { course: _, denoising: __, evaluation: ___, ...bare } = report
    const file = join(await folder, 'once.html')
    const short: Report = { ...bare, sections: [], loss: [once] }
    await writeFile(
      file,
      renderReport(short, () => new Uint8Array()),
    )
    const other = await browser.newPage()
    await other.goto(pathToFileURL(file).href)
    /** Pixels of the canvas in the colour of the student's curve. */
    const coloured = () =>
      other.evaluate(() => {
        const canvas = document.querySelector<HTMLCanvasElement>('#loss-0')!
        const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height)
        return data.filter((red, i) => i % 4 === 0 && red === 0xb5 && data[i + 1] === 0x30).length
      })
    await expect.poll(coloured).toBeGreaterThan(20)
    await other.close()
  })
})
