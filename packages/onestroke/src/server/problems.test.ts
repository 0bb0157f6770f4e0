import { UserError } from '@onestroke/core/errors'
import { NotFiniteError } from '@onestroke/core/pipeline'
import { describe, expect, it } from 'vitest'
import { problemOf } from './problems.js'
import { Busy } from './scheduler.js'

describe('a problem', () => {
  it('names fields as requests do, with what to do', () => {
    const error = new UserError('`num_inference_steps` is a whole number from 1, not 0', {
      option: 'num_inference_steps',
      remedy: 'leave out `guidance_scale`, or `to.weights`',
    })
    expect(problemOf(error)).toEqual({
      status: 400,
      type: 'invalid_request_error',
      message: '"steps" is a whole number from 1, not 0; leave out "guidance_scale", or "to.weight"',
    })
  })

  it('of the server’s own is not told to clients', () => {
    expect(problemOf(new Error('/home/me/secret'))).toEqual({
      status: 500,
      type: 'server_error',
      message: 'something went wrong',
    })
    expect(problemOf(new NotFiniteError()).status).toBe(500)
  })

  it('of haste asks to come again', () => {
    expect(problemOf(new Busy('too many'))).toEqual({
      status: 429,
      type: 'busy',
      message: 'too many',
      again: true,
    })
  })
})
