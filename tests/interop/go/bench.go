// What the figures of the DHT need of a node, see ../../bench/kad.h.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	mrand "math/rand/v2"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	ma "github.com/multiformats/go-multiaddr"
)

// benchLimits are of what takes longer than kadLimit.
var benchLimits = map[string]time.Duration{
	"network": 5 * time.Minute,
	"lookups": 5 * time.Minute,
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// randomPeer has an id of an Ed25519 key that nobody has.
func randomPeer() (peer.AddrInfo, error) {
	key := append([]byte{0, 0x24, 8, 1, 0x12, 0x20}, randomBytes(32)...)
	id, err := peer.IDFromBytes(key)
	if err != nil {
		return peer.AddrInfo{}, err
	}
	b := randomBytes(4)
	addrs := []ma.Multiaddr{}
	for _, text := range []string{
		fmt.Sprintf("/ip4/%d.%d.%d.%d/tcp/4001", b[0]%100+20, b[1],
			b[2], b[3]),
		fmt.Sprintf("/ip4/%d.%d.%d.%d/udp/4001/quic-v1", b[0]%100+20,
			b[1], b[2], b[3]),
		fmt.Sprintf("/ip6/2001:%x:%x:%x::%x/tcp/4001", b[0]%100+20,
			b[1], b[2], b[3])} {
		a, err := ma.NewMultiaddr(text)
		if err != nil {
			return peer.AddrInfo{}, err
		}
		addrs = append(addrs, a)
	}
	return peer.AddrInfo{ID: id, Addrs: addrs}, nil
}

func fillTable(d *dht.IpfsDHT, n int) error {
	table := d.RoutingTable()
	for table.Size() < n {
		info, err := randomPeer()
		if err != nil {
			return err
		}
		if added, _ := table.TryAddPeer(info.ID, true, false); added {
			d.Host().Peerstore().AddAddrs(info.ID, info.Addrs,
				peerstore.RecentlyConnectedAddrTTL)
		}
	}
	return nil
}

// memory is what is resident, and what is allocated, after a collection.
func memory() (resident, allocated uint64, err error) {
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, 0, err
	}
	pages, err := strconv.ParseUint(strings.Fields(string(text))[1], 10, 64)
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return pages * uint64(os.Getpagesize()), sample[0].Value.Uint64(), err
}

// benchMemory is of a table with buckets as large as it gets.
func benchMemory(n int) ([]string, error) {
	h, err := newHost(&config{security: "tls", muxer: "yamux",
		keyType: "ed25519"}, "/ip4/127.0.0.1/tcp/0")
	if err != nil {
		return nil, err
	}
	defer h.Close()
	d, err := dht.New(h, dht.Mode(dht.ModeServer), dht.DisableAutoRefresh(),
		dht.ProtocolPrefix("/bench"), dht.BucketSize(n))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	resident, allocated, err := memory()
	if err != nil {
		return nil, err
	}
	if err := fillTable(d, n); err != nil {
		return nil, err
	}
	resident2, allocated2, err := memory()
	return []string{fmt.Sprintf("memory %d %d %d %d", resident, resident2,
		allocated, allocated2)}, err
}

// benchNodes are a network in this process, the first of which all know.
var benchNodes []*kad

func benchNetwork(ctx context.Context, n int) error {
	for len(benchNodes) < n {
		h, err := newHost(&config{security: "tls", muxer: "yamux",
			keyType: "ed25519"}, "/ip4/127.0.0.1/tcp/0")
		if err != nil {
			return err
		}
		k, err := newKad(h, &kadConfig{protocol: "/p2pc/kad/1.0.0",
			mode: "server"})
		if err != nil {
			return err
		}
		benchNodes = append(benchNodes, k)
		if len(benchNodes) == 1 {
			continue
		}
		first := benchNodes[0].host
		if _, err := k.connect(ctx, fmt.Sprintf("%s/p2p/%s",
			first.Addrs()[0], first.ID())); err != nil {
			return err
		}
		if err := k.refresh(ctx); err != nil {
			return err
		}
	}
	return nil
}

func benchLookups(ctx context.Context, n int) ([]string, error) {
	times := []time.Duration{}
	for range n {
		d := benchNodes[mrand.IntN(len(benchNodes))].dhts[0]
		key := string(randomBytes(32))
		began := time.Now()
		if _, err := d.GetClosestPeers(ctx, key); err != nil {
			return nil, err
		}
		times = append(times, time.Since(began))
	}
	slices.Sort(times)
	return []string{fmt.Sprintf("lookups %d %d",
		times[(n-1)/2].Microseconds(),
		times[(n-1)*99/100].Microseconds())}, nil
}

func init() {
	number := func(run func(ctx context.Context, k *kad, n int) ([]string,
		error)) kadCommand {
		return kadCommand{1, 0, func(ctx context.Context,
			k *kad, words []string, _ [][]byte) ([]string, error) {
			n, err := strconv.Atoi(words[0])
			if err != nil || n < 1 {
				return nil, fmt.Errorf("no number %q", words[0])
			}
			return run(ctx, k, n)
		}}
	}
	kadCommands["fill"] = number(func(_ context.Context, k *kad, n int) (
		[]string, error) {
		return []string{"ok"}, fillTable(k.dhts[0], n)
	})
	kadCommands["memory"] = number(func(_ context.Context, _ *kad, n int) (
		[]string, error) {
		return benchMemory(n)
	})
	kadCommands["network"] = number(func(ctx context.Context, _ *kad,
		n int) ([]string, error) {
		return []string{"ok"}, benchNetwork(ctx, n)
	})
	kadCommands["lookups"] = number(func(ctx context.Context, _ *kad,
		n int) ([]string, error) {
		if len(benchNodes) == 0 {
			return nil, fmt.Errorf("no network")
		}
		return benchLookups(ctx, n)
	})
}
