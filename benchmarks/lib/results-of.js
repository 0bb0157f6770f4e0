/** Runs a benchmark of any checkout and prints its results: results-of.js MODULE OPTIONS, these as JSON. */
import { pathToFileURL } from 'node:url'

const [, , file = '', options = '{}'] = process.argv
const { run } = await import(pathToFileURL(file).href)
const { results } = await run(JSON.parse(options))
console.log(JSON.stringify(results))
process.exit()
