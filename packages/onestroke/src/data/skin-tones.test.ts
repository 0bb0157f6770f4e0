import { describe, expect, it } from 'vitest'
import { isSkinToneVariant } from './skin-tones.js'

const TONES = ['light', 'medium-light', 'medium', 'medium-dark', 'dark']
const toned = (base: string, suffix = '') => [base, ...TONES.map((tone) => `${base}-${tone}${suffix}`)]
const kept = (names: string[]) => names.filter((name) => !isSkinToneVariant(name, new Set(names)))

describe('isSkinToneVariant', () => {
  it('knows the tones at the end of a name', () => {
    expect(kept(toned('waving-hand'))).toEqual(['waving-hand'])
    expect(
      kept([...toned('handshake'), 'handshake-light-dark', 'handshake-medium-dark-medium-light']),
    ).toEqual(['handshake'])
  })

  it('knows them spelled out, also twice, within the name and without a base', () => {
    expect(kept(toned('waving-hand', '-skin-tone'))).toEqual(['waving-hand'])
    expect(
      kept([
        'kiss-person-person-dark-skin-tone-light-skin-tone',
        'man-medium-dark-skin-tone-bald',
        'man-bald',
      ]),
    ).toEqual(['man-bald'])
  })

  it('keeps names that only end alike', () => {
    const names = [
      'police-car',
      'police-car-light',
      'horizontal-traffic-light',
      'light-bulb',
      'flashlight',
      'battery',
      'battery-medium',
      'new-moon-dark',
      'dark',
      'light',
    ]
    expect(kept(names)).toEqual(names)
  })

  it('keeps the swatches of the tones themselves', () => {
    const swatches = TONES.map((tone) => `${tone}-skin-tone`)
    expect(kept(swatches)).toEqual(swatches)
  })
})
