"""A node of the DHT that does what lines on stdin ask for.

    peer.py kad [options]

../README.md has the lines and their answers.
"""
import sys

import trio
from multiaddr import Multiaddr

from libp2p.custom_types import TProtocol
from libp2p.kad_dht import (
    common, kad_dht, peer_routing, provider_store, value_store)
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.records.pubkey import PublicKeyValidator
from libp2p.records.validator import NamespacedValidator, Validator
from libp2p.tools.anyio_service import background_trio_service

LIMIT = 30	# s for a command
TABLE_LIMIT = 10	# s for a peer to get into the table
TICK = 0.01


def add_options(p):
    p.add_argument("--protocol", default="/p2pc/kad/1.0.0")
    p.add_argument("--mode", choices=["server", "client"], default="server")
    p.add_argument("--listen", default="/ip4/127.0.0.1/tcp/0")
    p.add_argument("--namespace", action="append", default=[])


class Newest(Validator):
    """Of whatever comes; a server puts the newer value behind its own."""

    def validate(self, key, value):
        pass

    def select(self, key, values):
        return len(values) - 1


class Impossible(Exception):
    pass


def text(key):
    try:
        return bytes.fromhex(key).decode()
    except UnicodeDecodeError:
        raise Impossible("keys of values are text: "
                         "libp2p/kad_dht/kad_dht.py") from None


def peers(ids):
    return [f"peer {id}" for id in dict.fromkeys(ids)] + ["end"]


class Kad:
    def __init__(self, host, options):
        # It has one protocol id only, a constant.
        self.protocol = TProtocol(options.protocol)
        for module in (common, kad_dht, peer_routing, provider_store,
                       value_store):
            module.PROTOCOL_ID = self.protocol
        validators = {"pk": PublicKeyValidator()}
        for name in ["test", *options.namespace]:
            validators[name] = Newest()
        self.host = host
        self.dht = kad_dht.KadDHT(
            host,
            kad_dht.DHTMode[options.mode.upper()],
            validator=NamespacedValidator(validators, strict_validation=True),
            strict_validation=True,
        )

    async def connect(self, address):
        info = info_from_p2p_addr(Multiaddr(address))
        with trio.move_on_after(TABLE_LIMIT):
            await self.host.connect(info)
            # By add() below, when identify has told what it serves.
            while not self.dht.routing_table.peer_in_table(info.peer_id):
                await trio.sleep(TICK)
            return ["ok"]
        raise TimeoutError("not in table")

    async def put(self, key, value):
        # Here it is the other way round: select() has the new value first.
        self.dht.value_store.remove(bytes.fromhex(key))
        await self.dht.put_value(text(key), bytes.fromhex(value))
        return ["ok"]

    async def get(self, key):
        value = await self.dht.get_value(text(key))
        return ["none" if value is None else f"value {value.hex()}"]

    async def provide(self, key):
        if not await self.dht.provider_store.provide(bytes.fromhex(key)):
            raise ConnectionError("no peer took it")
        return ["ok"]

    async def providers(self, key):
        found = await self.dht.provider_store.find_providers(
            bytes.fromhex(key))
        ids = dict.fromkeys(info.peer_id for info in found)
        return [f"provider {id}" for id in ids] + ["end"]

    async def find_peer(self, id):
        info = await self.dht.find_peer(ID.from_base58(id))
        if info is None:
            return ["none"]
        return [" ".join(["peer", id, *map(str, info.addrs)])]

    async def closest(self, key):
        found = await self.dht.peer_routing.find_closest_peers_network(
            bytes.fromhex(key))
        return peers(id for id in found if id != self.host.get_id())

    async def table(self):
        return peers(self.dht.routing_table.get_peer_ids())

    async def refresh(self):
        await self.dht.refresh_routing_table()
        return ["ok"]

    async def ipns(self, *words):
        raise Impossible("records are only read: libp2p/records/ipns.py")

    async def answer(self, name, *words):
        command = COMMANDS.get(name)
        try:
            if command is None:
                raise ValueError("no such command")
            with trio.move_on_after(LIMIT):
                return await command(self, *words)
            return ["error timeout"]
        except Impossible as e:
            return [f"error impossible: {e}"]
        except Exception as e:
            while isinstance(e, BaseExceptionGroup):
                e = e.exceptions[0]
            return ["error " + " ".join((str(e) or repr(e)).split())]

    async def add(self, identified):
        """Peers that serve the protocol, as identify tells."""
        async for peer in identified:
            if self.protocol in peer["protocols"]:
                await self.dht.add_peer(ID.from_base58(peer["peerId"]))


COMMANDS = {
    "connect": Kad.connect,
    "put": Kad.put,
    "get": Kad.get,
    "provide": Kad.provide,
    "providers": Kad.providers,
    "find-peer": Kad.find_peer,
    "closest": Kad.closest,
    "table": Kad.table,
    "refresh": Kad.refresh,
    "ipns": Kad.ipns,
    "ipns-check": Kad.ipns,
}


async def serve(host, identified, options):
    kad = Kad(host, options)
    async with background_trio_service(kad.dht), trio.open_nursery() as nursery:
        nursery.start_soon(kad.add, identified)
        for address in host.get_addrs():
            print("listening", address)
        print("ready", flush=True)
        async for line in trio.wrap_file(sys.stdin):
            words = line.split()
            if words == ["quit"]:
                break
            if words:
                print(*await kad.answer(*words), sep="\n", flush=True)
        nursery.cancel_scope.cancel()
