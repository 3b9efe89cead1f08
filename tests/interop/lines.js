// lines.js FILE CONDITIONS [VALUE]: looks, for up to five seconds, for a line of
// JSON, as an object o, for which every condition (one a line) is true; prints
// it, or what VALUE makes of it.  Else says what the last line lacks.
'use strict'
const fs = require('node:fs')

const [file, conditions, value = 'JSON.stringify(o)'] = process.argv.slice(2)
const compile = (text) => new Function('o', `return ${text}`)
const all = conditions.split('\n').map((line) => line.trim())
  .filter((line) => line !== '').map((text) => ({ text, fn: compile(text) }))
const end = Date.now() + 5000

// An address without its peer id, for the conditions.
globalThis.bare = (address) => address.replace(/\/p2p\/[^/]*$/, '')

function holds (fn, o) {
  try {
    return fn(o)
  } catch {
    return false
  }
}

function look () {
  let last
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    try {
      last = JSON.parse(line)
    } catch {
      continue
    }
    if (all.every(({ fn }) => holds(fn, last))) {
      console.log(compile(value)(last))
      return
    }
  }
  if (Date.now() < end) {
    setTimeout(look, 50)
    return
  }
  for (const { text } of all.filter(({ fn }) => !holds(fn, last))) {
    console.log(`not so: ${text}`)
  }
  process.exitCode = 1
}
look()
