package handshake

import (
	"fmt"
	"sync"
	"time"

	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/noise"
	"github.com/zkkex/zkkex/internal/record"
)

// ChannelOptions say how the records of a channel are sealed.
type ChannelOptions struct {
	// Limits tighten those of package record.
	Limits record.Limits
	// Padding is what our records get.
	Padding record.Padding
	// Now is the clock; nil is [time.Now].
	Now func() time.Time
}

// channel is the one secret that a handshake leaves, and what goes with it. It
// hands the secret over once.
type channel struct {
	suite      *Suite
	role       record.Role
	transcript []byte

	mu     sync.Mutex
	secret *[32]byte // nil once it is gone
}

// newChannel ends a handshake whose messages are through.
func newChannel(s *Suite, role record.Role, h *noise.HandshakeState) (*channel, error) {
	secret, err := h.Derive(domain.Channel)
	if err != nil {
		return nil, err
	}
	h.Wipe()
	return &channel{suite: s, role: role, transcript: h.Hash(), secret: &secret}, nil
}

// session hands the secret to the record layer, which clears it.
func (c *channel) session(o ChannelOptions) (*record.Session, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.secret == nil {
		return nil, fmt.Errorf("handshake: channel secret: %w", ErrUsed)
	}
	defer c.forget()
	return record.New(record.Config{
		Suite: c.suite.record, Role: c.role, Transcript: c.transcript,
		Limits: o.Limits, Padding: o.Padding, Now: o.Now,
	}, c.secret[:])
}

func (c *channel) wipe() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.secret != nil {
		c.forget()
	}
}

func (c *channel) forget() {
	clear(c.secret[:])
	c.secret = nil
}
