package server

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/order"
)

// protocol is what a member speaks on a channel.
type protocol string

const (
	framed    protocol = "framed"
	fix       protocol = "fix"
	grpcStyle protocol = "grpc"
	websocket protocol = "json"
)

const (
	// sniffed is how many bytes tell the protocols apart.
	sniffed = 4
	// firstWait is how long a member may take to say something on a new channel.
	firstWait = 10 * time.Second
)

// errSilent reports a channel on which nothing came.
var errSilent = errors.New("nothing was said on the channel")

// peeked is a channel of which the first bytes were looked at.
type peeked struct {
	*handshake.Conn
	first []byte
}

// Read gives back what was looked at, and then goes on.
func (c *peeked) Read(b []byte) (int, error) {
	if len(c.first) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.first)
	c.first = c.first[n:]
	return n, nil
}

// Channel returns the channel itself, for who wants to know who speaks.
func (c *peeked) Channel() *handshake.Conn { return c.Conn }

// Session returns the session of the channel's present pseudonym, for who serves
// sessions of other names.
func (c *peeked) Session() order.SessionID { return sessionOf(c.Conn) }

// peek waits for the first bytes and says which protocol they begin.
func peek(conn *handshake.Conn) (*peeked, protocol, error) {
	first := make([]byte, sniffed)
	if err := conn.SetReadDeadline(time.Now().Add(firstWait)); err != nil {
		return nil, "", err
	}
	if _, err := io.ReadFull(conn, first); err != nil {
		return nil, "", fmt.Errorf("%w: %w", errSilent, err)
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return nil, "", err
	}
	return &peeked{conn, first}, protocolOf([sniffed]byte(first)), nil
}

// protocolOf never fails: what begins as nothing else is for the framed protocol
// to refuse in its own words.
func protocolOf(first [sniffed]byte) protocol {
	switch string(first[:]) {
	case "8=FI":
		return fix
	case "PRI ":
		return grpcStyle
	case "GET ":
		return websocket
	}
	return framed
}
