// A node of the DHT that does what lines on stdin ask for.
//
//	peer kad [options]
//
// ../README.md has the lines and their answers.
package main

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/ipfs/boxo/ipns"
	"github.com/ipfs/boxo/path"
	"github.com/ipfs/go-cid"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p-kad-dht/dual"
	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/routing"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multihash"
)

const (
	kadLimit   = 30 * time.Second // for a command
	tableLimit = 10 * time.Second // for a peer to get into the table
	recordLife = 24 * time.Hour
)

type kadConfig struct {
	protocol, mode, listen string
	namespaces             []string
	dual                   bool
}

func (c *kadConfig) flags(f *flag.FlagSet) {
	f.StringVar(&c.protocol, "protocol", "/p2pc/kad/1.0.0", "protocol id")
	f.StringVar(&c.mode, "mode", "server", "server or client")
	f.StringVar(&c.listen, "listen", "/ip4/127.0.0.1/tcp/0",
		"where to listen")
	f.BoolVar(&c.dual, "dual", false, "the two DHTs that Kubo runs")
	c.namespaces = []string{"test"}
	f.Func("namespace", "another whose values are all valid",
		func(name string) error {
			c.namespaces = append(c.namespaces, name)
			return nil
		})
}

// anything is a validator of whatever comes; the newest is the best.
type anything struct{}

func (anything) Validate(string, []byte) error        { return nil }
func (anything) Select(string, [][]byte) (int, error) { return 0, nil }

type kad struct {
	routing.Routing
	host host.Host
	dhts []*dht.IpfsDHT // dual: WAN, LAN
}

func newKad(h host.Host, c *kadConfig) (*kad, error) {
	mode, there := map[string]dht.ModeOpt{"server": dht.ModeServer,
		"client": dht.ModeClient}[c.mode]
	if !there {
		return nil, fmt.Errorf("unknown mode %q", c.mode)
	}
	if c.dual {
		return newDual(h, mode)
	}
	opts := []dht.Option{
		dht.Mode(mode),
		dht.DisableAutoRefresh(),
		// With the prefix /ipfs, no other namespaces were allowed.
		dht.ProtocolPrefix("/interop"),
		dht.V1ProtocolOverride(protocol.ID(c.protocol)),
	}
	for _, name := range c.namespaces {
		opts = append(opts, dht.NamespacedValidator(name, anything{}))
	}
	d, err := dht.New(h, opts...)
	if err != nil {
		return nil, err
	}
	return &kad{d, h, []*dht.IpfsDHT{d}}, nil
}

// newDual is what Kubo runs, but that the LAN's loopback addresses are kept.
func newDual(h host.Host, mode dht.ModeOpt) (*kad, error) {
	all := func(addrs []ma.Multiaddr) []ma.Multiaddr { return addrs }
	d, err := dual.New(h, dual.DHTOption(dht.Mode(mode)),
		dual.LanDHTOption(dht.AddressFilter(all)))
	if err != nil {
		return nil, err
	}
	return &kad{d, h, []*dht.IpfsDHT{d.WAN, d.LAN}}, nil
}

// active is the one of the DHTs that has peers.
func (k *kad) active() *dht.IpfsDHT {
	for _, d := range k.dhts {
		if d.RoutingTable().Size() > 0 {
			return d
		}
	}
	return k.dhts[0]
}

func (k *kad) knows(id peer.ID) bool {
	for _, d := range k.dhts {
		if d.RoutingTable().Find(id) != "" {
			return true
		}
	}
	return false
}

func (k *kad) connect(ctx context.Context, address string) ([]string, error) {
	info, err := peer.AddrInfoFromString(address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, tableLimit)
	defer cancel()
	if err := k.host.Connect(ctx, *info); err != nil {
		return nil, err
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !k.knows(info.ID) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, errors.New("not in table")
		}
	}
	return []string{"ok"}, nil
}

func (k *kad) get(ctx context.Context, key []byte) ([]string, error) {
	value, err := k.GetValue(ctx, string(key))
	if errors.Is(err, routing.ErrNotFound) {
		return []string{"none"}, nil
	}
	return []string{"value " + hex.EncodeToString(value)}, err
}

func (k *kad) providers(ctx context.Context, c cid.Cid) ([]string, error) {
	out := []string{}
	for info := range k.FindProvidersAsync(ctx, c, 0) {
		out = append(out, "provider "+info.ID.String())
	}
	return append(out, "end"), ctx.Err()
}

func (k *kad) findPeer(ctx context.Context, id peer.ID) ([]string, error) {
	info, err := k.FindPeer(ctx, id)
	if errors.Is(err, routing.ErrNotFound) {
		return []string{"none"}, nil
	}
	words := append([]string{"peer", id.String()}, texts(info.Addrs)...)
	return []string{strings.Join(words, " ")}, err
}

func peers(ids []peer.ID) []string {
	out := make([]string, 0, len(ids)+1)
	for _, id := range ids {
		out = append(out, "peer "+id.String())
	}
	return append(out, "end")
}

func (k *kad) table() []string {
	ids := []peer.ID{}
	for _, d := range k.dhts {
		ids = append(ids, d.RoutingTable().ListPeers()...)
	}
	return peers(ids)
}

// refresh is the DHT's own, after all peers of the table are asked what it
// asks those who were silent for long; who does not answer is out.
func (k *kad) refresh(ctx context.Context) error {
	d := k.active()
	messenger, err := pb.NewProtocolMessenger(d.MessageSender())
	if err != nil {
		return err
	}
	for _, id := range d.RoutingTable().ListPeers() {
		_, err := messenger.GetClosestPeers(ctx, id, id)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			d.RoutingTable().RemovePeer(id)
		}
	}
	if d.RoutingTable().Size() == 0 {
		return nil
	}
	select {
	case err := <-d.ForceRefresh():
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// newRecord is `ipns SEEDHEX VALUE SEQUENCE v1|v2`.
func newRecord(words []string) ([]string, error) {
	seed, err := hex.DecodeString(words[0])
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, errors.New("a seed has 32 bytes")
	}
	key, err := crypto.UnmarshalEd25519PrivateKey(
		ed25519.NewKeyFromSeed(seed))
	if err != nil {
		return nil, err
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return nil, err
	}
	value, err := path.NewPath(words[1])
	if err != nil {
		return nil, err
	}
	sequence, err := strconv.ParseUint(words[2], 10, 64)
	if err != nil {
		return nil, err
	}
	if words[3] != "v1" && words[3] != "v2" {
		return nil, fmt.Errorf("unknown version %q", words[3])
	}
	record, err := ipns.NewRecord(key, value, sequence,
		time.Now().Add(recordLife), ipns.DefaultRecordTTL,
		ipns.WithV1Compatibility(words[3] == "v1"))
	if err != nil {
		return nil, err
	}
	bytes, err := ipns.MarshalRecord(record)
	return []string{fmt.Sprintf("record %x %x",
		ipns.NameFromPeer(id).RoutingKey(), bytes)}, err
}

// A command has so many arguments; the first ones are hex.
type kadCommand struct {
	words, hex int
	run        func(ctx context.Context, k *kad, words []string,
		bytes [][]byte) ([]string, error)
}

var kadCommands = map[string]kadCommand{
	"connect": {1, 0, func(ctx context.Context, k *kad, words []string,
		_ [][]byte) ([]string, error) {
		return k.connect(ctx, words[0])
	}},
	"put": {2, 2, func(ctx context.Context, k *kad, _ []string,
		bytes [][]byte) ([]string, error) {
		return []string{"ok"},
			k.PutValue(ctx, string(bytes[0]), bytes[1])
	}},
	"get": {1, 1, func(ctx context.Context, k *kad, _ []string,
		bytes [][]byte) ([]string, error) {
		return k.get(ctx, bytes[0])
	}},
	"provide": {1, 1, func(ctx context.Context, k *kad, _ []string,
		bytes [][]byte) ([]string, error) {
		mh, err := multihash.Cast(bytes[0])
		if err != nil {
			return nil, err
		}
		return []string{"ok"},
			k.Provide(ctx, cid.NewCidV1(cid.Raw, mh), true)
	}},
	"providers": {1, 1, func(ctx context.Context, k *kad, _ []string,
		bytes [][]byte) ([]string, error) {
		mh, err := multihash.Cast(bytes[0])
		if err != nil {
			return nil, err
		}
		return k.providers(ctx, cid.NewCidV1(cid.Raw, mh))
	}},
	"find-peer": {1, 0, func(ctx context.Context, k *kad, words []string,
		_ [][]byte) ([]string, error) {
		id, err := peer.Decode(words[0])
		if err != nil {
			return nil, err
		}
		return k.findPeer(ctx, id)
	}},
	"closest": {1, 1, func(ctx context.Context, k *kad, _ []string,
		bytes [][]byte) ([]string, error) {
		ids, err := k.active().GetClosestPeers(ctx, string(bytes[0]))
		return peers(ids), err
	}},
	"table": {0, 0, func(_ context.Context, k *kad, _ []string,
		_ [][]byte) ([]string, error) {
		return k.table(), nil
	}},
	"refresh": {0, 0, func(ctx context.Context, k *kad, _ []string,
		_ [][]byte) ([]string, error) {
		return []string{"ok"}, k.refresh(ctx)
	}},
	"ipns": {4, 0, func(_ context.Context, _ *kad, words []string,
		_ [][]byte) ([]string, error) {
		return newRecord(words)
	}},
	"ipns-check": {2, 2, func(_ context.Context, k *kad, _ []string,
		bytes [][]byte) ([]string, error) {
		v := ipns.Validator{KeyBook: k.host.Peerstore()}
		return []string{"ok"},
			v.Validate(string(bytes[0]), bytes[1])
	}},
}

// answer runs one line, for at most its limit.
func (k *kad) answer(words []string) ([]string, error) {
	c, there := kadCommands[words[0]]
	limit, longer := benchLimits[words[0]]
	if !longer {
		limit = kadLimit
	}
	words = words[1:]
	if !there || len(words) != c.words {
		return nil, errors.New("no such command")
	}
	bytes := make([][]byte, c.hex)
	for i := range bytes {
		var err error
		if bytes[i], err = hex.DecodeString(words[i]); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	type result struct {
		lines []string
		err   error
	}
	done := make(chan result, 1)
	go func() {
		lines, err := c.run(ctx, k, words, bytes)
		done <- result{lines, err}
	}()
	select {
	case r := <-done:
		if ctx.Err() == nil {
			return r.lines, r.err
		}
	case <-ctx.Done():
	}
	return nil, errors.New("timeout")
}

func serveKad(h host.Host, c *kadConfig) error {
	k, err := newKad(h, c)
	if err != nil {
		return err
	}
	for _, a := range h.Addrs() {
		fmt.Printf("listening %s/p2p/%s\n", a, h.ID())
	}
	fmt.Println("ready")
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16*1024*1024)
	for in.Scan() {
		words := strings.Fields(in.Text())
		if len(words) == 0 {
			continue
		}
		if words[0] == "quit" {
			return nil
		}
		lines, err := k.answer(words)
		if err != nil {
			lines = []string{"error " + strings.Join(
				strings.Fields(err.Error()), " ")}
		}
		if _, err := fmt.Println(strings.Join(lines, "\n")); err != nil {
			return err
		}
	}
	return in.Err()
}
