// peer: js-libp2p as the other end of the interoperability tests.
//
//   node peer.js listen [options]
//   node peer.js dial [options] MADDR TEST[,TEST...] [ARGS]
//   node peer.js kad [options]		see kad.js
//   node peer.js chat [options]	see chat.js
//
// What happens is one JSON object a line on stdout; ../README.md has the list.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { mplex } from '@libp2p/mplex'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { preSharedKey } from '@libp2p/pnet'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import * as chat from './chat.js'
import * as kad from './kad.js'

const AGENT = 'interop-js/3.3.11'
const ECHO = '/echo/1.0.0'
const PERF = '/perf/1.0.0'
const RESET = '/test/reset/1.0.0'
const BLOCK = 64 * 1024
const HOUR = 3600 * 1000
const MANY = 10000
const QUEUE = 64 * 1024 * 1024	// above the largest window (16 MiB)
const LATER = 20		// ms in which data and FIN sort themselves out

const say = (object) => process.stdout.write(JSON.stringify(object) + '\n')

const KEYS = { ed25519: 'Ed25519', rsa: 'RSA', secp256k1: 'secp256k1' }
const SECURITIES = { tls, noise }
const MUXERS = { yamux, mplex }

// Defaults refuse the sixth connection, end streams after two minutes, and take
// five new mplex streams a second.
async function newNode (options, where, services) {
  const { security, muxer, pnet } = options
  const keyType = KEYS[options['key-type']]
  if (SECURITIES[security] == null || MUXERS[muxer] == null ||
      keyType == null) {
    throw new Error(`not possible: ${JSON.stringify(options)}`)
  }
  return await createLibp2p({
    privateKey: await generateKeyPair(keyType),
    connectionProtector: pnet == null
      ? undefined
      : preSharedKey({ psk: readFileSync(pnet) }),
    addresses: { listen: where },
    nodeInfo: { userAgent: AGENT },
    transports: [tcp()],
    connectionEncrypters: [SECURITIES[security]()],
    streamMuxers: [MUXERS[muxer]({
      maxInboundStreams: MANY,
      maxOutboundStreams: MANY,
      disconnectThreshold: MANY,
      maxEarlyStreams: MANY,
      streamOptions: { inactivityTimeout: HOUR }
    })],
    connectionManager: {
      maxConnections: MANY,
      inboundConnectionThreshold: MANY,
      maxIncomingPendingConnections: MANY
    },
    services: {
      identify: identify(),
      ping: ping({ maxInboundStreams: 100, timeout: 60 * 1000 }),
      ...services
    }
  })
}

// Pseudo-random content, the same for the same seed.
class Pattern {
  constructor (seed) {
    this.state = (Math.imul(seed + 1, 2654435761) >>> 0) || 1
    this.at = 0
  }

  fill (bytes) {
    for (let i = 0; i < bytes.length; i++, this.at++) {
      if (this.at % 4 === 0) {
        this.state ^= this.state << 13
        this.state ^= this.state >>> 17
        this.state ^= this.state << 5
      }
      bytes[i] = this.state >>> (8 * (this.at % 4))
    }
    return bytes
  }
}

// Calls data(list) for what arrives until the peer's half ends; rejects when
// the stream ends otherwise.  The stream's own iterator begins to listen too
// late to see an end that was there before; 'end' alone can come before data
// that negotiation puts back.  So: listen, and look again a moment later.
async function receive (stream, data) {
  stream.maxReadBufferLength = QUEUE
  await new Promise((resolve, reject) => {
    const look = () => {
      if (stream.remoteWriteStatus === 'closed' && stream.status !== 'reset' &&
          stream.status !== 'aborted' && stream.readBufferLength === 0) {
        resolve()
      }
    }
    const lookLater = () => setTimeout(look, LATER)
    stream.addEventListener('remoteCloseWrite', lookLater)
    stream.addEventListener('end', lookLater)
    stream.addEventListener('close', (event) => {
      if (event.error != null) {
        reject(event.error)
      } else {
        lookLater()
      }
    })
    stream.addEventListener('message', (event) => {
      try {
        data(event.data)
      } catch (error) {
        stream.abort(error)
        reject(error)
      }
      lookLater()
    })
    if (stream.status === 'reset') {
      reject(Object.assign(new Error('stream reset'),
        { name: 'StreamResetError' }))
    }
    lookLater()
  })
}

// The promise of onDrain() is made once only: wait for the event.
async function drained (stream) {
  await new Promise((resolve, reject) => {
    stream.addEventListener('drain', resolve, { once: true })
    stream.addEventListener('close', (event) =>
      reject(event.error ?? new Error('closed while writing')), { once: true })
    if (stream.writeStatus !== 'writable') {
      reject(new Error('closed while writing'))
    }
  })
}

// n bytes of the pattern (of zeros, if null)
async function send (stream, n, pattern) {
  while (n > 0) {
    const bytes = new Uint8Array(Math.min(n, BLOCK))
    pattern?.fill(bytes)
    n -= bytes.length
    if (!stream.send(bytes)) {
      await drained(stream)
    }
  }
}

async function serveEcho (stream) {
  const resume = () => {
    if (stream.readStatus === 'paused') {
      stream.resume()
    }
  }
  stream.addEventListener('drain', resume)
  await receive(stream, (list) => {
    if (!stream.send(list) && stream.readStatus === 'readable') {
      stream.pause()
    }
  })
  await stream.close()
}

async function servePerf (stream) {
  const head = []
  await receive(stream, (list) => {
    for (let i = 0; i < list.byteLength && head.length < 8; i++) {
      head.push(list.get(i))
    }
  })
  if (head.length < 8) {
    throw new Error('perf: no size')
  }
  await send(stream, head.reduce((n, byte) => n * 256 + byte, 0), null)
  await stream.close()
}

async function serveReset (stream) {
  await new Promise((resolve) => {
    stream.addEventListener('message', resolve, { once: true })
    stream.addEventListener('close', resolve, { once: true })
  })
  stream.abort(new Error('as asked'))
}

const serve = (handler) => (stream) => {
  handler(stream).catch((error) => stream.abort(error))
}

const identity = (id) => ({
  event: 'peer',
  peerId: id.peerId.toString(),
  agentVersion: id.agentVersion ?? '',
  protocolVersion: id.protocolVersion ?? '',
  protocols: id.protocols,
  listenAddresses: id.listenAddrs.map((address) => address.toString()),
  observedAddress: id.observedAddr?.toString() ?? '',
  signedRecord: id.signedPeerRecord != null,
  remoteAddress: id.connection.remoteAddr.toString(),
  security: id.connection.encryption,
  muxer: id.connection.multiplexer
})

async function listen (node) {
  node.addEventListener('peer:identify', (event) => say(identity(event.detail)))
  const options = { maxInboundStreams: MANY, maxOutboundStreams: MANY }
  await node.handle(ECHO, serve(serveEcho), options)
  await node.handle(PERF, serve(servePerf), options)
  await node.handle(RESET, serve(serveReset), options)
  for (const address of node.getMultiaddrs()) {
    say({ event: 'listening', address: address.toString() })
  }
  await new Promise((resolve) => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
  })
}

async function echoOne (connection, n, seed) {
  const stream = await connection.newStream(ECHO, { maxOutboundStreams: MANY })
  const want = new Pattern(seed)
  let got = 0
  const came = receive(stream, (list) => {
    for (const bytes of list) {
      const expected = want.fill(new Uint8Array(bytes.length))
      if (Buffer.compare(bytes, expected) !== 0) {
        throw new Error(`other bytes after ${got}`)
      }
      got += bytes.length
    }
  })
  const sent = (async () => {
    await send(stream, n, new Pattern(seed))
    await stream.close()
  })()
  await Promise.all([sent, came])
  if (got !== n) {
    throw new Error(`${got} bytes came back, not ${n}`)
  }
}

const tests = {
  async ping (node, connection) {
    const times = []
    for (let i = 0; i < 5; i++) {
      times.push(await node.services.ping.ping(connection.remotePeer) / 1000)
    }
    return { times }
  },

  async identify (node, connection, identified) {
    return identity(await identified)
  },

  async echo (node, connection, identified, bytes = 1, streams = 1) {
    const all = []
    for (let i = 0; i < streams; i++) {
      all.push(echoOne(connection, bytes, i))
    }
    await Promise.all(all)
    return { bytes, streams, identical: true }
  },

  async reset (node, connection) {
    const stream = await connection.newStream(RESET)
    const end = receive(stream, () => {}).then(() => 'an end of file',
      (error) => error.name)
    stream.send(Uint8Array.of(1))
    const seen = await end
    if (seen !== 'StreamResetError') {
      throw new Error(`no reset, but ${seen}`)
    }
    return { seen: true }
  },

  async perf (node, connection, identified, up = 1, down = 1) {
    const stream = await connection.newStream(PERF)
    let got = 0
    const came = receive(stream, (list) => { got += list.byteLength })
    const head = new Uint8Array(8)
    new DataView(head.buffer).setBigUint64(0, BigInt(down))
    const sent = (async () => {
      stream.send(head)
      await send(stream, up, null)
      await stream.close()
    })()
    await Promise.all([sent, came])
    if (got !== down) {
      throw new Error(`${got} bytes came, not ${down}`)
    }
    return { uploadBytes: up, downloadBytes: down }
  }
}

async function dial (node, address, test, args) {
  const identified = new Promise((resolve) => {
    node.addEventListener('peer:identify', (event) => resolve(event.detail))
  })
  const began = performance.now()
  const connection = await node.dial(multiaddr(address))
  for (const name of test.split(',')) {
    const result = await tests[name](node, connection, identified,
      ...args.map(Number))
    say({ event: name, ...result, test: name, ok: true,
      self: node.peerId.toString(), time: (performance.now() - began) / 1000 })
  }
}

const anyPort = ({ ip }) => [`/${ip.includes(':') ? 'ip6' : 'ip4'}/${ip}/tcp/0`]
const WHERE = {
  listen: anyPort,
  chat: anyPort,
  dial: () => [],
  kad: ({ listen }) => [listen]
}
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ip: { type: 'string', default: '127.0.0.1' },
    security: { type: 'string', default: 'tls' },
    muxer: { type: 'string', default: 'yamux' },
    'key-type': { type: 'string', default: 'ed25519' },
    pnet: { type: 'string' },
    ...kad.OPTIONS
  }
})
const [command, address, test, ...args] = positionals
if (!(['listen', 'kad', 'chat'].includes(command) && address == null) &&
    !(command === 'dial' &&
      test?.split(',').every((name) => tests[name] != null))) {
  console.error('usage: peer.js listen | peer.js kad | peer.js chat | ' +
    'peer.js dial MADDR TEST[,TEST...] [ARGS]')
  process.exit(2)
}
const node = await newNode(values, WHERE[command](values),
  command === 'kad' ? { kad: kad.kadService(values) } : {})
let status = 0
try {
  switch (command) {
    case 'listen': await listen(node); break
    case 'kad': await kad.serveKad(node); break
    case 'chat': await chat.serveChat(node); break
    default: await dial(node, address, test, args)
  }
} catch (error) {
  say({ event: 'error', test, name: error.name, message: error.message })
  status = 1
}
setTimeout(() => process.exit(status), 2000)
await node.stop()
process.exit(status)
