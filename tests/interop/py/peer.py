"""peer: py-libp2p as the other end of the interoperability tests.

    peer.py listen [options]
    peer.py dial [options] MADDR TEST[,TEST...] [ARGS]
    peer.py kad [options]		see kad.py
    peer.py chat [options]		see chat.py

What happens is one JSON object a line on stdout; ../README.md has the list.
"""
import argparse
import json
import logging
import os
import random
import signal
import sys
import time

import trio
from multiaddr import Multiaddr

from libp2p import new_host
from libp2p.crypto import ed25519, rsa, secp256k1, x25519
from libp2p.host import basic_host
from libp2p.host.ping import ID as PING
from libp2p.identity.identify import identify
from libp2p.network.stream.exceptions import StreamEOF, StreamReset
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.security.noise import transport as noise
from libp2p.security.tls import transport as tls
from libp2p.stream_muxer.mplex import mplex
from libp2p.stream_muxer.yamux import yamux

sys.dont_write_bytecode = True	# nothing beside the source
import chat
import kad

AGENT = "interop-py/0.8.1"
ECHO = "/echo/1.0.0"
PERF = "/perf/1.0.0"
RESET = "/test/reset/1.0.0"
BLOCK = 64 * 1024

KEYS = {
    "ed25519": ed25519.create_new_key_pair,
    "rsa": rsa.create_new_key_pair,
    "secp256k1": secp256k1.create_new_key_pair,
}
MUXERS = {
    "yamux": (yamux.PROTOCOL_ID, yamux.Yamux),
    "mplex": (mplex.MPLEX_PROTOCOL_ID, mplex.Mplex),
}


def say(o):
    print(json.dumps(o), flush=True)


def securities(name, key):
    if name == "tls":
        return {tls.PROTOCOL_ID: tls.TLSTransport(key)}
    static = x25519.create_new_key_pair().private_key
    return {noise.PROTOCOL_ID: noise.Transport(key, noise_privkey=static)}


class Node:
    """A host, and what identify told it."""

    def __init__(self, options):
        self.options = options
        key = KEYS[options.key_type]()
        muxer_id, muxer = MUXERS[options.muxer]
        family = "ip6" if ":" in options.ip else "ip4"
        any_port = Multiaddr(f"/{family}/{options.ip}/tcp/0")
        self.listen = {
            "listen": [any_port],
            "chat": [any_port],
            "dial": [],
            "kad": [Multiaddr(options.listen)],
        }[options.command]
        self.host = new_host(
            key_pair=key,
            sec_opt=securities(options.security, key),
            muxer_opt={muxer_id: muxer},
        )
        self.send_peer, self.peers = trio.open_memory_channel(1000)
        # The host asks on its own, but keeps only a part of the answer.
        identify.AGENT_VERSION = AGENT
        self.update = basic_host.update_peerstore_from_identify
        basic_host.update_peerstore_from_identify = self.identified

    async def identified(self, peerstore, peer, message):
        await self.update(peerstore, peer, message)
        connections = self.host.get_network().get_connections(peer)
        if connections:
            self.send_peer.send_nowait(identity(connections[0], peer, message))


def identity(connection, peer, m):
    remote = connection.muxed_conn.get_remote_address()
    return {
        "event": "peer",
        "peerId": str(peer),
        "agentVersion": m.agent_version,
        "protocolVersion": m.protocol_version,
        "protocols": list(m.protocols),
        "listenAddresses": [str(Multiaddr(a)) for a in m.listen_addrs],
        "observedAddress":
            str(Multiaddr(m.observed_addr)) if m.observed_addr else "",
        "signedRecord": bool(m.signedPeerRecord),
        "remoteAddress":
            str(identify._remote_address_to_multiaddr(remote) or ""),
        "security": connection.get_negotiated_security_protocol(),
        "muxer": connection.get_negotiated_muxer_protocol(),
    }


async def read(stream, n=BLOCK):
    """Up to n bytes; none at the end."""
    try:
        return await stream.read(n)
    except StreamEOF:
        return b""


async def read_full(stream, n):
    parts = []
    while n > 0:
        part = await read(stream, n)
        if part == b"":
            raise EOFError(f"an end of file {n} bytes early")
        parts.append(part)
        n -= len(part)
    return b"".join(parts)


async def read_end(stream):
    more = await read(stream)
    if more != b"":
        raise ValueError(f"{len(more)} bytes too many")


def serve(handler):
    async def guarded(stream):
        try:
            await handler(stream)
        except Exception as e:
            print("peer:", handler.__name__, repr(e), file=sys.stderr)
            await stream.reset()
    return guarded


async def serve_echo(stream):
    while data := await read(stream):
        await stream.write(data)
    await stream.close()


async def serve_perf(stream):
    n = int.from_bytes(await read_full(stream, 8), "big")
    while await read(stream):
        pass
    await send(stream, n)
    await stream.close()


async def serve_reset(stream):
    await read_full(stream, 1)
    await stream.reset()


async def send(stream, n):
    while n > 0:
        await stream.write(bytes(min(n, BLOCK)))
        n -= BLOCK


async def listen(node):
    node.host.set_stream_handler(ECHO, serve(serve_echo))
    node.host.set_stream_handler(PERF, serve(serve_perf))
    node.host.set_stream_handler(RESET, serve(serve_reset))
    for address in node.host.get_addrs():
        say({"event": "listening", "address": str(address)})
    async for peer in node.peers:
        say(peer)


async def echo_one(node, peer, n, seed):
    stream = await node.host.new_stream(peer, [ECHO])
    want = random.Random(seed)
    sent = random.Random(seed)
    sizes = [min(BLOCK, n - at) for at in range(0, n, BLOCK)]

    async def write(size):
        await stream.write(sent.randbytes(size))

    async def write_all():
        for size in sizes:
            await write(size)
        await stream.close_write()

    async def compare(size):
        if await read_full(stream, size) != want.randbytes(size):
            raise ValueError("other bytes came back")

    if node.options.muxer == "mplex":
        # A reader that waits keeps writers out: one after the other.
        for size in sizes:
            await write(size)
            await compare(size)
        await stream.close_write()
    else:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(write_all)
            for size in sizes:
                await compare(size)
    await read_end(stream)


async def test_ping(node, peer):
    stream = await node.host.new_stream(peer, [PING])
    times = []
    for _ in range(5):
        began, sent = time.monotonic(), random.randbytes(32)
        await stream.write(sent)
        if await read_full(stream, 32) != sent:
            raise ValueError("other bytes came back")
        times.append(time.monotonic() - began)
    await stream.close()
    return {"times": times}


async def test_identify(node, peer):
    return await node.peers.receive()


async def test_echo(node, peer, n=1, streams=1):
    async with trio.open_nursery() as nursery:
        for i in range(streams):
            nursery.start_soon(echo_one, node, peer, n, i)
    return {"bytes": n, "streams": streams, "identical": True}


async def test_reset(node, peer):
    stream = await node.host.new_stream(peer, [RESET])
    await stream.write(b"r")
    try:
        await read(stream, 1)
    except StreamReset:
        return {"seen": True}
    raise ValueError("no reset, but an end of file")


async def test_perf(node, peer, up=1, down=1):
    stream = await node.host.new_stream(peer, [PERF])
    await stream.write(down.to_bytes(8, "big"))
    await send(stream, up)
    await stream.close_write()
    await read_full(stream, down)
    await read_end(stream)
    return {"uploadBytes": up, "downloadBytes": down}


TESTS = {
    "ping": test_ping,
    "identify": test_identify,
    "echo": test_echo,
    "reset": test_reset,
    "perf": test_perf,
}


async def dial(node):
    target, tests, *args = node.options.words
    began = time.monotonic()
    try:
        info = info_from_p2p_addr(Multiaddr(target))
        await node.host.connect(info)
        for test in tests.split(","):
            out = await TESTS[test](node, info.peer_id, *map(int, args))
            say({"event": test, **out, "test": test, "ok": True,
                 "self": str(node.host.get_id()),
                 "time": time.monotonic() - began})
    except Exception as e:
        while isinstance(e, BaseExceptionGroup):
            e = e.exceptions[0]
        say({"event": "error", "test": tests, "message": repr(e)})
        return 1
    return 0


async def stop_at_signal():
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            os._exit(0)


async def main(options):
    node = Node(options)
    status = 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stop_at_signal)
        async with node.host.run(listen_addrs=node.listen):
            if options.command == "listen":
                await listen(node)
            elif options.command == "kad":
                await kad.serve(node.host, node.peers, options)
            elif options.command == "chat":
                await chat.serve(node.host)
            else:
                status = await dial(node)
                # What is left to be said is said.
                with trio.move_on_after(2):
                    await node.host.close()
        nursery.cancel_scope.cancel()
    return status


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("command", choices=["listen", "dial", "kad", "chat"])
    p.add_argument("--ip", default="127.0.0.1")
    p.add_argument("--security", choices=["tls", "noise"], default="tls")
    p.add_argument("--muxer", choices=MUXERS, default="yamux")
    p.add_argument("--key-type", choices=KEYS, default="ed25519")
    kad.add_options(p)
    p.add_argument("words", nargs="*")
    options = p.parse_intermixed_args()
    if options.command != "dial" and options.words:
        p.error(f"{options.command} takes no arguments")
    if options.command == "dial" and (
            len(options.words) < 2 or
            not set(options.words[1].split(",")) <= set(TESTS)):
        p.error("dial takes MADDR and a test")
    return options


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    status = trio.run(main, arguments())
    sys.stdout.flush()
    os._exit(status)	# no need to wait for whatever it left behind
