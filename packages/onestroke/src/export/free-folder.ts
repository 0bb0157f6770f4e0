/** What an export may not take the place of. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '@onestroke/core/errors'
import { readBytes } from '../formats/index.js'
import { CONFIG_FILE, PLAN_FILE } from '../run-files.js'

const ELSEWHERE = { option: 'out', remedy: 'choose a folder of its own for `out`' } as const

/** @throws UserError if a folder holds a model, or a run that makes one. */
export const checkNoModel = (out: string): void => {
  for (const name of [CONFIG_FILE, PLAN_FILE])
    if (existsSync(join(out, name)))
      throw new UserError(
        `${out} holds a model or a run already, whose place an export would take`,
        ELSEWHERE,
      )
}

/** Whether a file holds some words. @throws UserError if it is a pipe or a device, which might never end. */
export const holds = async (path: string, words: string): Promise<boolean> =>
  new TextDecoder().decode(await readBytes(path, 'file')).includes(words)

/** The error where a file is in the way that is of no export. */
export const foreign = (path: string): UserError =>
  new UserError(`${path} is not of an export, and would be overwritten`, ELSEWHERE)
