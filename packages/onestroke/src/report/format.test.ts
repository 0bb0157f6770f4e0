import { describe, expect, it } from 'vitest'
import * as f from './format.js'
import { html, jsonBlock } from './html.js'
import { enlargement, pngSize } from './picture.js'

describe('numbers', () => {
  it('are a dash where there are none', () => {
    for (const write of [f.integer, f.compact, f.significant, f.score, f.milliseconds, f.duration, f.times])
      for (const value of [null, undefined, Number.NaN, Infinity]) expect(write(value)).toBe('—')
  })

  it('are written as a person would', () => {
    expect(f.integer(4_212_345)).toBe('4,212,345')
    expect(f.compact(4_212_345)).toBe('4.21M')
    expect([0, 0.012345, 9.8, 123.4, 1234.5, 1e-7, 1e12].map((v) => f.significant(v))).toEqual([
      '0',
      '0.0123',
      '9.8',
      '123',
      '1,235',
      '1.00e-7',
      '1.00e+12',
    ])
    expect([0.1234, 9.8, 14.27, 301.2, -0.5].map(f.score)).toEqual(['0.123', '9.80', '14.3', '301', '-0.500'])
    expect([0.00056, 0.0341, 12].map(f.milliseconds)).toEqual(['0.56 ms', '34.1 ms', '12 s'])
    expect([3.21, 59.7, 600, 3600, 8040].map(f.duration)).toEqual([
      '3.2 s',
      '60 s',
      '10 min',
      '1 h',
      '2 h 14 min',
    ])
    expect([0.764, 1, 4.21, 37.4].map(f.times)).toEqual(['0.76 ×', '1.0 ×', '4.2 ×', '37 ×'])
    expect([f.counted(1, 'step'), f.counted(4, 'step')]).toEqual(['1 step', '4 steps'])
    expect([f.solverName('ddim'), f.solverName('own')]).toEqual(['DDIM', 'own'])
  })

  it('end where the noise begins', () => {
    const written = (mean: number, sd: number | null, options?: Parameters<typeof f.estimate>[1]) =>
      f.estimate({ mean, sd }, options)
    expect([
      written(13.318, 2.94),
      written(9.2, 0.643),
      written(0.035217, 0.00121),
      written(301.2, 19.96),
      written(12_345, 1234),
      written(1234.56, 3.21),
      // Rounding moves the deviation to another place.
      written(5.4321, 0.0996),
      written(5.4321, 9.96),
    ]).toEqual([
      '13.3 ± 2.9',
      '9.20 ± 0.64',
      '0.0352 ± 0.0012',
      '301 ± 20',
      '12,300 ± 1,200',
      '1,234.6 ± 3.2',
      '5.43 ± 0.10',
      '5 ± 10',
    ])
    expect(written(-0.00119, 0.00018, { scale: 1000 })).toBe('-1.19 ± 0.18')
    expect(written(-0.001, 0.31)).toBe('0.00 ± 0.31')
    expect(written(1.4923, 0.0961, { digits: 1 })).toBe('1.5 ± 0.1')
    expect(written(1.4923, 0.0461, { digits: 1 })).toBe('1.49 ± 0.05')
  })

  it('have three digits where nothing says how much they vary, and no more noise than there is', () => {
    expect(f.estimate({ mean: 14.2718, sd: null })).toBe('14.3')
    expect(f.estimate({ mean: 14.2718, sd: Number.NaN })).toBe('14.3')
    expect(f.estimate({ mean: 0.25, sd: 0 })).toBe('0.25 ± 0')
    expect(f.estimate({ mean: 0, sd: 0 })).toBe('0 ± 0')
    // Equal values, whose mean was rounded.
    expect(f.estimate({ mean: 0.3, sd: 6e-17 })).toBe('0.3 ± 0')
    for (const nothing of [null, undefined, { mean: Number.NaN, sd: 1 }])
      expect(f.writeEstimate(nothing)).toEqual({ mean: '—', sd: undefined })
  })

  it('keeps dates it does not know', () => {
    expect(f.date('2026-01-31T12:34:56.789Z')).toBe('2026-01-31 12:34 UTC')
    expect(f.date('yesterday')).toBe('yesterday')
  })
})

describe('html', () => {
  it('escapes what is not html', () => {
    expect(
      html`<p title="${`"'`}">${'<b>&'}${html`<i>${1}</i>`}${[null, false, undefined, ['x', '>']]}</p>`.text,
    ).toBe('<p title="&quot;&#39;">&lt;b&gt;&amp;<i>1</i>x&gt;</p>')
    expect(html`<b>${'$&'}</b>`.text).toBe('<b>$&amp;</b>')
  })

  it('lets no JSON end its script', () => {
    const { text } = jsonBlock({ a: '</script><!--' })
    expect(text).not.toContain('<')
    expect(JSON.parse(text)).toEqual({ a: '</script><!--' })
  })
})

describe('pictures', () => {
  it('are enlarged by whole factors that fill a row', () => {
    const factors = [128, 200, 270, 542, 34, 700, 4000].map((width) => enlargement(width, 134))
    expect(factors).toEqual([2, 2, 2, 2, 10, 1, 1])
    expect([enlargement(340, 66), enlargement(340, 134), enlargement(340, 340)]).toEqual([3, 3, 2])
  })

  it('need not be PNGs', () => {
    expect(pngSize(new Uint8Array(40))).toBeUndefined()
    expect(pngSize(new Uint8Array())).toBeUndefined()
  })
})
