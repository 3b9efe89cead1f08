// A peer of p2p-chat, which sends the length of each text before it, as
// js-libp2p-example-chat does.
//
//   node peer.js chat [options]
//
// ../README.md has the lines and their answers.
import { createInterface } from 'node:readline'
import { multiaddr } from '@multiformats/multiaddr'
import * as lp from 'it-length-prefixed'

const CHAT = '/chat/1.0.0'
const LIMIT = 30 * 1000		// ms for a connect

const say = (...words) => process.stdout.write(words.join(' ') + '\n')
const streams = new Set()

async function talk (stream, connection) {
  streams.add(stream)
  say('joined', connection.remotePeer)
  try {
    for await (const list of lp.decode(stream)) {
      const text = new TextDecoder().decode(list.subarray())
      say('heard', text.replace(/\n$/, ''))
    }
  } catch (error) {
    say('error', error.message.replace(/\s+/g, ' '))
  }
  streams.delete(stream)
  say('left', connection.remotePeer)
  await stream.close().catch(() => {})
}

// As the terminal gives it to the example: with its newline.
const commands = {
  say (node, text) {
    const bytes = lp.encode.single(new TextEncoder().encode(text + '\n'))
    for (const stream of streams) {
      stream.send(bytes)
    }
  },

  async connect (node, address) {
    const signal = AbortSignal.timeout(LIMIT)
    const connection = await node.dial(multiaddr(address), { signal })
    talk(await connection.newStream(CHAT, { signal }), connection)
  }
}

export async function serveChat (node) {
  await node.handle(CHAT, talk)
  for (const address of node.getMultiaddrs()) {
    say('listening', address)
  }
  say('ready')
  for await (const line of createInterface({ input: process.stdin })) {
    const [word, rest] = [line.split(' ', 1)[0], line.replace(/^\S* ?/, '')]
    if (word === 'quit') {
      return
    }
    try {
      await commands[word](node, rest)
    } catch (error) {
      say('error', error.message.replace(/\s+/g, ' '))
    }
  }
}
