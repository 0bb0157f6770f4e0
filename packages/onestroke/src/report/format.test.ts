import { describe, expect, it } from 'vitest'
import * as f from './format.js'
import { html, jsonBlock } from './html.js'
import { enlargement, pngSize } from './picture.js'

describe('numbers', () => {
  it('are a dash where there are none', () => {
    for (const write of [f.integer, f.compact, f.significant, f.score, f.milliseconds, f.duration, f.times])
      for (const value of [null, undefined, Number.NaN, Infinity]) expect(write(value)).toBe('—')
    expect(f.fixed(null, 2)).toBe('—')
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
    expect([4.21, 37.4].map(f.times)).toEqual(['×4.2', '×37'])
    expect([f.counted(1, 'step'), f.counted(4, 'step')]).toEqual(['1 step', '4 steps'])
    expect([f.solverName('ddim'), f.solverName('own')]).toEqual(['DDIM', 'own'])
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
