// A node of the DHT that does what lines on stdin ask for.
//
//   node peer.js kad [options]
//
// ../README.md has the lines and their answers.
import { createInterface } from 'node:readline'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'

const RAW = 0x55
const LIMIT = 30 * 1000		// ms for a command
const TABLE_LIMIT = 10 * 1000	// ms for a peer to get into the table
const TICK = 10			// ms
const SELF_QUERY = 100		// ms after the start; it waits for a peer itself

export const OPTIONS = {
  protocol: { type: 'string', default: '/p2pc/kad/1.0.0' },
  mode: { type: 'string', default: 'server' },
  listen: { type: 'string', default: '/ip4/127.0.0.1/tcp/0' },
  namespace: { type: 'string', multiple: true, default: [] }
}

// The service of a node.  In a namespace, all values are valid, and any is the
// best.  By default, private addresses are left out, and a node is a client.
export function kadService ({ protocol, mode, namespace }) {
  if (mode !== 'server' && mode !== 'client') {
    throw new Error(`unknown mode ${mode}`)
  }
  const validators = {}
  const selectors = {}
  for (const name of ['test', ...namespace]) {
    validators[name] = async () => {}
    selectors[name] = () => 0
  }
  return kadDHT({
    protocol,
    validators,
    selectors,
    clientMode: mode === 'client',
    peerInfoMapper: passthroughMapper,
    initialQuerySelfInterval: SELF_QUERY
  })
}

const bytes = (hex) => {
  if (!/^([0-9a-f]{2})*$/i.test(hex)) {
    throw new Error('not in hex')
  }
  return new Uint8Array(Buffer.from(hex, 'hex'))
}
const cid = (hex) => CID.createV1(RAW, Digest.decode(bytes(hex)))

// sent(EVENTS, NAME): whether a peer took the message; if none did, why not
async function sent (events, name) {
  let taken = false
  let error
  for await (const event of events) {
    if (event.name === 'PEER_RESPONSE' && event.messageName === name) {
      taken = true
    } else if (event.name === 'QUERY_ERROR') {
      error ??= event.error
    }
  }
  if (!taken) {
    throw error ?? new Error('no peer to send it to')
  }
  return ['ok']
}

// unique(WORD, IDS): a line for each, and the end
const unique = (word, ids) =>
  [...new Set(ids.map((id) => `${word} ${id}`)), 'end']

// table(NODE): the ids in the routing table
const table = (node) =>
  [...node.services.kad.routingTable.kb.toIterable()]
    .map((contact) => contact.peerId)
    .filter((id) => !id.equals(node.peerId))

const commands = {
  async connect (node, signal, address) {
    const { remotePeer } = await node.dial(multiaddr(address), { signal })
    const end = Date.now() + TABLE_LIMIT
    while (!table(node).some((id) => id.equals(remotePeer))) {
      if (Date.now() > end) {
        throw new Error('not in table')
      }
      await new Promise((resolve) => setTimeout(resolve, TICK))
    }
    return ['ok']
  },

  async put (node, signal, key, value) {
    return await sent(node.services.kad.put(bytes(key), bytes(value),
      { signal }), 'PUT_VALUE')
  },

  async get (node, signal, key) {
    let value
    for await (const event of node.services.kad.get(bytes(key), { signal })) {
      if (event.name === 'VALUE') {
        value = event.value
      }
    }
    return [value == null
      ? 'none'
      : `value ${Buffer.from(value).toString('hex')}`]
  },

  async provide (node, signal, hash) {
    return await sent(node.services.kad.provide(cid(hash), { signal }),
      'ADD_PROVIDER')
  },

  async providers (node, signal, hash) {
    const ids = []
    for await (const event of
      node.services.kad.findProviders(cid(hash), { signal })) {
      if (event.name === 'PROVIDER') {
        ids.push(...event.providers.map((provider) => provider.id))
      }
    }
    return unique('provider', ids)
  },

  async 'find-peer' (node, signal, id) {
    try {
      for await (const event of
        node.services.kad.findPeer(peerIdFromString(id), { signal })) {
        if (event.name === 'FINAL_PEER') {
          return [['peer', id, ...event.peer.multiaddrs].join(' ')]
        }
      }
    } catch (error) {
      if (error.name !== 'NotFoundError') {
        throw error
      }
    }
    return ['none']
  },

  async closest (node, signal, key) {
    const ids = []
    for await (const event of
      node.services.kad.getClosestPeers(bytes(key), { signal })) {
      if (event.name === 'FINAL_PEER') {
        ids.push(event.peer.id)
      }
    }
    return unique('peer', ids)
  },

  async table (node) {
    return unique('peer', table(node))
  },

  // It does not say when it is done.
  async refresh (node, signal) {
    await node.services.kad.refreshRoutingTable({ signal })
    return ['ok']
  },

  async ipns () {
    throw new Error('impossible: @libp2p/kad-dht has no IPNS')
  },

  async 'ipns-check' () {
    throw new Error('impossible: @libp2p/kad-dht has no IPNS')
  }
}

async function answer (node, [name, ...words]) {
  const command = Object.hasOwn(commands, name) ? commands[name] : null
  if (command == null || (command.length > 2 &&
      command.length - 2 !== words.length)) {
    return ['error no such command']
  }
  const signal = AbortSignal.timeout(LIMIT)
  const timeout = new Promise((resolve) =>
    signal.addEventListener('abort', () => resolve(['error timeout'])))
  const done = command(node, signal, ...words).catch((error) =>
    [`error ${signal.aborted ? 'timeout' : error.message.replace(/\s+/g, ' ')}`])
  return await Promise.race([done, timeout])
}

export async function serveKad (node) {
  for (const address of node.getMultiaddrs()) {
    process.stdout.write(`listening ${address}\n`)
  }
  process.stdout.write('ready\n')
  for await (const line of createInterface({ input: process.stdin })) {
    const words = line.split(/\s+/).filter((word) => word !== '')
    if (words[0] === 'quit') {
      return
    }
    if (words.length > 0) {
      process.stdout.write((await answer(node, words)).join('\n') + '\n')
    }
  }
}
