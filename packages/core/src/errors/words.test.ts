import { describe, expect, it } from 'vitest'
import { inWords, told } from './index.js'

const flags = (option: string) => ({ num_inference_steps: '--steps', 'to.prompt': '--to-prompt' })[option]

describe('inWords', () => {
  it('puts a face’s names in the place of options', () => {
    expect(inWords('choose `num_inference_steps` or `to.prompt`', flags)).toBe(
      'choose --steps or --to-prompt',
    )
  })

  it('leaves what is no option of the face, and names that are not marked', () => {
    expect(inWords('num_inference_steps and `rm` in `A B`', flags)).toBe(
      'num_inference_steps and `rm` in `A B`',
    )
  })
})

describe('told', () => {
  it('adds the remedy, if there is one', () => {
    expect(told({ message: 'too many `num_inference_steps`' }, flags)).toBe('too many --steps')
    expect(told({ message: 'too many', remedy: 'lower `num_inference_steps`' }, flags)).toBe(
      'too many; lower --steps',
    )
  })
})
