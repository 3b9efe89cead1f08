// peer: go-libp2p as the other end of the interoperability tests.
//
//	peer listen [options]
//	peer dial [options] MADDR TEST[,TEST...] [ARGS]
//	peer kad [options]		see kad.go
//	peer chat [options]		see chat.go
//
// What happens is one JSON object a line on stdout; ../README.md has the list.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/pnet"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
)

const (
	agent   = "interop-go/0.51.0"
	echoID  = "/echo/1.0.0"
	perfID  = "/perf/1.0.0"
	resetID = "/test/reset/1.0.0"
	block   = 64 * 1024
)

type object map[string]any

var stdout sync.Mutex

func say(o object) {
	stdout.Lock()
	defer stdout.Unlock()
	if err := json.NewEncoder(os.Stdout).Encode(o); err != nil {
		os.Exit(1)
	}
}

var keyTypes = map[string]int{"ed25519": crypto.Ed25519, "ecdsa": crypto.ECDSA,
	"rsa": crypto.RSA, "secp256k1": crypto.Secp256k1}

// newKey makes an identity of the type that is asked for; the size is RSA's.
func newKey(name string) (crypto.PrivKey, error) {
	typ, there := keyTypes[name]
	if !there {
		return nil, fmt.Errorf("unknown key type %q", name)
	}
	key, _, err := crypto.GenerateKeyPairWithReader(typ, 2048, rand.Reader)
	return key, err
}

func readPSK(path string) (pnet.PSK, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return pnet.DecodeV1PSK(f)
}

type config struct{ ip, security, muxer, keyType, pnet string }

func (c *config) address() string {
	family := "ip4"
	if strings.Contains(c.ip, ":") {
		family = "ip6"
	}
	return "/" + family + "/" + c.ip + "/tcp/0"
}

func newHost(c *config, listen ...string) (host.Host, error) {
	key, err := newKey(c.keyType)
	if err != nil {
		return nil, err
	}
	opts := []libp2p.Option{
		libp2p.Identity(key),
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.UserAgent(agent),
		libp2p.ResourceManager(&network.NullResourceManager{}),
		libp2p.ConnectionManager(connmgr.NullConnMgr{}),
		libp2p.DisableRelay(),
	}
	if c.pnet != "" {
		psk, err := readPSK(c.pnet)
		if err != nil {
			return nil, err
		}
		opts = append(opts, libp2p.PrivateNetwork(psk))
	}
	switch c.security {
	case "tls":
		opts = append(opts, libp2p.Security(libp2ptls.ID, libp2ptls.New))
	case "noise":
		opts = append(opts, libp2p.Security(noise.ID, noise.New))
	default:
		return nil, fmt.Errorf("unknown security %q", c.security)
	}
	if c.muxer != "yamux" {
		return nil, fmt.Errorf("unknown muxer %q", c.muxer)
	}
	opts = append(opts, libp2p.Muxer(yamux.ID, yamux.DefaultTransport))
	if len(listen) == 0 {
		return libp2p.New(append(opts, libp2p.NoListenAddrs)...)
	}
	return libp2p.New(append(opts, libp2p.ListenAddrStrings(listen...))...)
}

// pattern is pseudo-random content, the same for the same seed.
type pattern struct{ state uint64 }

func newPattern(seed uint64) *pattern {
	return &pattern{seed*2685821657736338717 + 88172645463325252}
}

func (p *pattern) fill(b []byte) {
	for i := range b {
		if i%8 == 0 {
			p.state ^= p.state << 13
			p.state ^= p.state >> 7
			p.state ^= p.state << 17
		}
		b[i] = byte(p.state >> (8 * (i % 8)))
	}
}

func serveEcho(s network.Stream) {
	defer s.Close()
	if _, err := io.Copy(s, s); err != nil {
		s.Reset()
	}
}

func serveReset(s network.Stream) {
	one := make([]byte, 1)
	io.ReadFull(s, one)
	s.Reset()
}

func servePerf(s network.Stream) {
	var want uint64
	if err := binary.Read(s, binary.BigEndian, &want); err != nil {
		s.Reset()
		return
	}
	if _, err := io.Copy(io.Discard, s); err != nil {
		s.Reset()
		return
	}
	if err := send(s, want, nil); err != nil {
		s.Reset()
		return
	}
	s.Close()
}

// send writes n bytes of the pattern (of zeros, if nil).
func send(w io.Writer, n uint64, p *pattern) error {
	buf := make([]byte, block)
	for n > 0 {
		b := buf[:min(uint64(block), n)]
		if p != nil {
			p.fill(b)
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
		n -= uint64(len(b))
	}
	return nil
}

func texts[T fmt.Stringer](list []T) []string {
	out := make([]string, 0, len(list))
	for _, v := range list {
		out = append(out, v.String())
	}
	return out
}

func identity(e *event.EvtPeerIdentificationCompleted) object {
	protocols := make([]string, 0, len(e.Protocols))
	for _, p := range e.Protocols {
		protocols = append(protocols, string(p))
	}
	observed := ""
	if e.ObservedAddr != nil {
		observed = e.ObservedAddr.String()
	}
	return object{"event": "peer", "peerId": e.Peer.String(),
		"agentVersion": e.AgentVersion, "protocolVersion": e.ProtocolVersion,
		"protocols": protocols, "listenAddresses": texts(e.ListenAddrs),
		"observedAddress": observed, "signedRecord": e.SignedPeerRecord != nil,
		"remoteAddress": e.Conn.RemoteMultiaddr().String(),
		"localAddress":  e.Conn.LocalMultiaddr().String(),
		"security":      string(e.Conn.ConnState().Security),
		"muxer":         string(e.Conn.ConnState().StreamMultiplexer)}
}

func listen(h host.Host) error {
	sub, err := h.EventBus().Subscribe(
		new(event.EvtPeerIdentificationCompleted), eventbus.BufSize(256))
	if err != nil {
		return err
	}
	h.SetStreamHandler(echoID, serveEcho)
	h.SetStreamHandler(perfID, servePerf)
	h.SetStreamHandler(resetID, serveReset)
	for _, a := range h.Addrs() {
		say(object{"event": "listening",
			"address": a.String() + "/p2p/" + h.ID().String()})
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	for {
		select {
		case e := <-sub.Out():
			id := e.(event.EvtPeerIdentificationCompleted)
			say(identity(&id))
		case <-stop:
			return nil
		}
	}
}

func testPing(ctx context.Context, h host.Host, id peer.ID) (object, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := ping.Ping(ctx, h, id)
	times := []float64{}
	for range 5 {
		r := <-results
		if r.Error != nil {
			return nil, r.Error
		}
		times = append(times, r.RTT.Seconds())
	}
	return object{"times": times}, nil
}

func testIdentify(ctx context.Context, sub event.Subscription) (object, error) {
	select {
	case e := <-sub.Out():
		id := e.(event.EvtPeerIdentificationCompleted)
		return identity(&id), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func echoOne(ctx context.Context, h host.Host, id peer.ID, n, seed uint64) error {
	s, err := h.NewStream(ctx, id, echoID)
	if err != nil {
		return err
	}
	defer s.Close()
	sent := make(chan error, 1)
	go func() {
		err := send(s, n, newPattern(seed))
		if err == nil {
			err = s.CloseWrite()
		}
		sent <- err
	}()
	want, got, buf := newPattern(seed), uint64(0), make([]byte, block)
	cmp := make([]byte, block)
	for got < n {
		b := buf[:min(uint64(block), n-got)]
		if _, err := io.ReadFull(s, b); err != nil {
			s.Reset()
			return fmt.Errorf("after %d bytes: %w", got, err)
		}
		want.fill(cmp[:len(b)])
		if !bytes.Equal(b, cmp[:len(b)]) {
			s.Reset()
			return fmt.Errorf("other bytes after %d", got)
		}
		got += uint64(len(b))
	}
	if err := <-sent; err != nil {
		return err
	}
	if k, err := s.Read(buf[:1]); k != 0 || err != io.EOF {
		return fmt.Errorf("no end of file: %d bytes, %v", k, err)
	}
	return nil
}

func testEcho(ctx context.Context, h host.Host, id peer.ID, n uint64,
	streams int) (object, error) {
	errs := make(chan error, streams)
	for i := range streams {
		go func() { errs <- echoOne(ctx, h, id, n, uint64(i)) }()
	}
	for range streams {
		if err := <-errs; err != nil {
			return nil, err
		}
	}
	return object{"bytes": n, "streams": streams, "identical": true}, nil
}

func testReset(ctx context.Context, h host.Host, id peer.ID) (object, error) {
	s, err := h.NewStream(ctx, id, resetID)
	if err != nil {
		return nil, err
	}
	defer s.Reset()
	if _, err := s.Write([]byte{1}); err != nil {
		return nil, err
	}
	_, err = s.Read(make([]byte, 1))
	if !errors.Is(err, network.ErrReset) {
		return nil, fmt.Errorf("no reset, but %v", err)
	}
	return object{"seen": true}, nil
}

func testPerf(ctx context.Context, h host.Host, id peer.ID, up,
	down uint64) (object, error) {
	s, err := h.NewStream(ctx, id, perfID)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := binary.Write(s, binary.BigEndian, down); err != nil {
		return nil, err
	}
	if err := send(s, up, nil); err != nil {
		return nil, err
	}
	if err := s.CloseWrite(); err != nil {
		return nil, err
	}
	n, err := io.Copy(io.Discard, s)
	if err != nil {
		return nil, err
	}
	if uint64(n) != down {
		return nil, fmt.Errorf("%d bytes came, not %d", n, down)
	}
	return object{"uploadBytes": up, "downloadBytes": down}, nil
}

func runTest(ctx context.Context, h host.Host, id peer.ID, name string, a,
	b uint64, sub event.Subscription) (object, error) {
	switch name {
	case "ping":
		return testPing(ctx, h, id)
	case "identify":
		return testIdentify(ctx, sub)
	case "echo":
		return testEcho(ctx, h, id, a, int(b))
	case "reset":
		return testReset(ctx, h, id)
	case "perf":
		return testPerf(ctx, h, id, a, b)
	}
	return nil, fmt.Errorf("unknown test %q", name)
}

// dial says the result of each test that passes, to the first that does not.
func dial(ctx context.Context, h host.Host, args []string) error {
	sub, err := h.EventBus().Subscribe(
		new(event.EvtPeerIdentificationCompleted), eventbus.BufSize(256))
	if err != nil {
		return err
	}
	info, err := peer.AddrInfoFromString(args[0])
	if err != nil {
		return err
	}
	numbers := []uint64{1, 1}
	for i, word := range args[2:] {
		if numbers[i], err = strconv.ParseUint(word, 10, 64); err != nil {
			return err
		}
	}
	began := time.Now()
	if err := h.Connect(ctx, *info); err != nil {
		return err
	}
	for _, name := range strings.Split(args[1], ",") {
		out, err := runTest(ctx, h, info.ID, name, numbers[0], numbers[1],
			sub)
		if err != nil {
			return err
		}
		out["test"], out["ok"], out["self"] = name, true, h.ID().String()
		if _, there := out["event"]; !there {
			out["event"] = name
		}
		out["time"] = time.Since(began).Seconds()
		say(out)
	}
	return nil
}

func main() {
	f := flag.NewFlagSet("peer", flag.ExitOnError)
	var c config
	f.StringVar(&c.ip, "ip", "127.0.0.1", "address to listen on")
	f.StringVar(&c.security, "security", "tls", "tls or noise")
	f.StringVar(&c.muxer, "muxer", "yamux", "yamux")
	f.StringVar(&c.keyType, "key-type", "ed25519",
		"ed25519, secp256k1, ecdsa or rsa")
	f.StringVar(&c.pnet, "pnet", "", "swarm.key of a private network")
	timeout := f.Duration("timeout", 5*time.Minute, "for a dial as a whole")
	if len(os.Args) < 2 {
		f.Usage()
		os.Exit(2)
	}
	var k kadConfig
	if os.Args[1] == "kad" {
		k.flags(f)
	}
	f.Parse(os.Args[2:])
	var where []string
	switch os.Args[1] {
	case "listen", "chat":
		where = []string{c.address()}
	case "kad":
		where = []string{k.listen}
	}
	h, err := newHost(&c, where...)
	if err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(2)
	}
	switch {
	case os.Args[1] == "listen" && f.NArg() == 0:
		if err := listen(h); err != nil {
			fmt.Fprintln(os.Stderr, "peer:", err)
			os.Exit(1)
		}
	case os.Args[1] == "kad" && f.NArg() == 0:
		if err := serveKad(h, &k); err != nil {
			fmt.Fprintln(os.Stderr, "peer:", err)
			os.Exit(1)
		}
	case os.Args[1] == "chat" && f.NArg() == 0:
		if err := serveChat(h); err != nil {
			fmt.Fprintln(os.Stderr, "peer:", err)
			os.Exit(1)
		}
	case os.Args[1] == "dial" && f.NArg() >= 2 && f.NArg() <= 4:
		ctx, cancel := context.WithTimeout(context.Background(), *timeout)
		defer cancel()
		if err := dial(ctx, h, f.Args()); err != nil {
			say(object{"event": "error", "test": f.Arg(1),
				"message": err.Error()})
			os.Exit(1)
		}
	default:
		f.Usage()
		os.Exit(2)
	}
	h.Close()
}
