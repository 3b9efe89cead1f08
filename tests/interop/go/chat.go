// A peer of p2p-chat, which ends each text with a newline, as go-libp2p's
// examples/chat does.
//
//	peer chat [options]
//
// ../README.md has the lines and their answers.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	chatID    = "/chat/1.0.0"
	chatLimit = 30 * time.Second // for a connect
)

type chat struct {
	mu      sync.Mutex
	streams map[network.Stream]bool
}

// talk says what comes over a stream, until its end.
func (c *chat) talk(s network.Stream) {
	c.mu.Lock()
	c.streams[s] = true
	c.mu.Unlock()
	fmt.Printf("joined %s\n", s.Conn().RemotePeer())
	in := bufio.NewReader(s)
	for {
		line, err := in.ReadString('\n')
		if line != "" {
			fmt.Printf("heard %s\n", strings.TrimSuffix(line, "\n"))
		}
		if err != nil {
			break
		}
	}
	c.mu.Lock()
	delete(c.streams, s)
	c.mu.Unlock()
	fmt.Printf("left %s\n", s.Conn().RemotePeer())
	s.Close()
}

func (c *chat) say(text string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for s := range c.streams {
		out := bufio.NewWriter(s)
		if _, err := out.WriteString(text + "\n"); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func (c *chat) connect(h host.Host, address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), chatLimit)
	defer cancel()
	info, err := peer.AddrInfoFromString(address)
	if err != nil {
		return err
	}
	if err := h.Connect(ctx, *info); err != nil {
		return err
	}
	s, err := h.NewStream(ctx, info.ID, chatID)
	if err != nil {
		return err
	}
	go c.talk(s)
	return nil
}

func serveChat(h host.Host) error {
	c := chat{streams: map[network.Stream]bool{}}
	h.SetStreamHandler(chatID, c.talk)
	for _, a := range h.Addrs() {
		fmt.Printf("listening %s/p2p/%s\n", a, h.ID())
	}
	fmt.Println("ready")
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var err error
		word, rest, _ := strings.Cut(in.Text(), " ")
		switch word {
		case "say":
			err = c.say(rest)
		case "connect":
			err = c.connect(h, rest)
		case "quit":
			return nil
		default:
			err = fmt.Errorf("no such command")
		}
		if err != nil {
			fmt.Println("error", strings.Join(
				strings.Fields(err.Error()), " "))
		}
	}
	return in.Err()
}
