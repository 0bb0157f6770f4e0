import { SOLVERS } from '@onestroke/core/diffusion'
import { type Estimate, isNumber } from '../evaluation/index.js'

/** Numbers as a person writes them. Null, NaN and infinities are an em dash. */

type Maybe = number | null | undefined

export const dash = '—'

const or = (value: Maybe, write: (value: number) => string) => (isNumber(value) ? write(value) : dash)

const thousands = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const compactly = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })

/** 1234.5 → `1,235`. */
export const integer = (value: Maybe) => or(value, (v) => thousands.format(v))

/** 1234567 → `1.23M`. */
export const compact = (value: Maybe) => or(value, (v) => compactly.format(v))

/** Three significant digits, no exponent where it can be helped: 0.01234 → `0.0123`, 1234.5 → `1,235`. */
export const significant = (value: Maybe, digits = 3) =>
  or(value, (v) => {
    if (v === 0) return '0'
    const size = Math.abs(v)
    if (size >= 10 ** digits) return size < 1e9 ? thousands.format(v) : v.toExponential(digits - 1)
    if (size < 1e-5) return v.toExponential(digits - 1)
    return String(Number(v.toPrecision(digits)))
  })

/** A score, to three digits with its zeros: 9.8 → `9.80`, 120.4 → `120`. */
export const score = (value: Maybe) =>
  or(value, (v) => {
    const size = Math.abs(v)
    if (size >= 1e5) return significant(v)
    return size >= 100 ? thousands.format(v) : v.toFixed(size >= 10 ? 1 : size >= 1 ? 2 : 3)
  })

/** A deviation this much smaller than its mean is what rounding leaves of equal values. */
const ROUNDING = 1e-6

/** The decimal place of the last of a number's `digits` leading digits: 2.94 and 2 → 1, 123 and 2 → -1. */
const lastPlace = (value: number, digits: number) =>
  digits - 1 - Number(value.toExponential(digits - 1).split('e')[1])

const toPlace = (value: number, place: number) => {
  const decimals = Math.min(20, Math.max(0, place))
  const unit = 10 ** Math.max(0, -place)
  const rounded = unit > 1 ? Math.round(value / unit) * unit : value
  return new Intl.NumberFormat('en', {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
    signDisplay: 'negative',
  }).format(rounded)
}

export interface Written {
  mean: string
  /** Undefined where there is no deviation. */
  sd: string | undefined
}

/**
 * A mean and its deviation, both written down to the place where the noise begins: that of the last of the deviation's
 * leading digits, two as a rule. 13.318 and 2.94 → `13.3` and `2.9`. Without a deviation, a mean has three digits.
 */
export const writeEstimate = (
  of: Estimate | null | undefined,
  { scale = 1, digits = 2 }: { scale?: number; digits?: number } = {},
): Written => {
  if (!isNumber(of?.mean)) return { mean: dash, sd: undefined }
  const mean = of.mean * scale
  if (!isNumber(of.sd)) return { mean: score(mean), sd: undefined }
  const sd = of.sd * scale
  if (sd <= ROUNDING * Math.abs(mean)) return { mean: significant(mean), sd: '0' }
  const place = lastPlace(sd, digits)
  return { mean: toPlace(mean, place), sd: toPlace(sd, place) }
}

/** The same in one piece: `13.3 ± 2.9`. */
export const estimate = (...of: Parameters<typeof writeEstimate>): string => {
  const { mean, sd } = writeEstimate(...of)
  return sd === undefined ? mean : `${mean} ± ${sd}`
}

/** How many times as much: `37 ×`, `4.2 ×`, `0.76 ×`. */
export const times = (value: Maybe) =>
  or(value, (v) => `${v >= 10 ? integer(v) : v.toFixed(v >= 1 ? 1 : 2)} ×`)

/** A short time: 0.0342 → `34.2 ms`. */
export const milliseconds = (seconds: Maybe) =>
  or(seconds, (s) => (s >= 10 ? `${significant(s)} s` : `${significant(1000 * s)} ms`))

/** A long time: 4321 → `1 h 12 min`. */
export const duration = (seconds: Maybe) =>
  or(seconds, (s) => {
    if (s < 60) return `${significant(s, 2)} s`
    const minutes = Math.round(s / 60)
    if (minutes < 60) return `${minutes} min`
    const [hours, rest] = [Math.floor(minutes / 60), minutes % 60]
    return rest ? `${hours} h ${rest} min` : `${hours} h`
  })

/** `1 step`, `4 steps`. */
export const counted = (value: Maybe, noun: string) => `${integer(value)} ${noun}${value === 1 ? '' : 's'}`

/** `ddim` → `DDIM`; a name we do not know stays as it is. */
export const solverName = (solver: string) =>
  (SOLVERS as Readonly<Record<string, { label: string }>>)[solver]?.label ?? solver

/** `2026-01-31T12:34:56.789Z` → `2026-01-31 12:34 UTC`; what is no such date stays as it is. */
export const date = (iso: string) => iso.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:[\d.]+)?Z$/, '$1 $2 UTC')
