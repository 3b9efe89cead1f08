"""A peer of p2p-chat, which ends each text with a newline, as py-libp2p's
examples/chat does.

    peer.py chat [options]

../README.md has the lines and their answers.
"""
import sys

import trio
from multiaddr import Multiaddr

from libp2p.custom_types import TProtocol
from libp2p.peer.peerinfo import info_from_p2p_addr

CHAT = TProtocol("/chat/1.0.0")
LIMIT = 30	# s for a connect
BLOCK = 4096


def say(*words):
    print(*words, flush=True)


class Chat:
    def __init__(self, host):
        self.host = host
        self.streams = set()

    async def talk(self, stream):
        peer = stream.muxed_conn.peer_id
        self.streams.add(stream)
        say("joined", peer)
        rest = b""
        try:
            while (part := await stream.read(BLOCK)) != b"":
                *lines, rest = (rest + part).split(b"\n")
                for line in lines:
                    say("heard", line.decode())
        except Exception:
            pass	# an end of file is one, too
        self.streams.discard(stream)
        say("left", peer)
        await stream.close()

    async def say(self, text):
        for stream in self.streams:
            await stream.write(text.encode() + b"\n")

    async def connect(self, nursery, address):
        info = info_from_p2p_addr(Multiaddr(address))
        with trio.fail_after(LIMIT):
            await self.host.connect(info)
            stream = await self.host.new_stream(info.peer_id, [CHAT])
        nursery.start_soon(self.talk, stream)


async def serve(host):
    chat = Chat(host)
    host.set_stream_handler(CHAT, chat.talk)
    async with trio.open_nursery() as nursery:
        for address in host.get_addrs():
            say("listening", address)
        say("ready")
        async for line in trio.wrap_file(sys.stdin):
            word, _, rest = line.rstrip("\n").partition(" ")
            try:
                if word == "quit":
                    break
                if word == "say":
                    await chat.say(rest)
                elif word == "connect":
                    await chat.connect(nursery, rest)
            except Exception as e:
                say("error", " ".join((str(e) or repr(e)).split()))
        nursery.cancel_scope.cancel()
