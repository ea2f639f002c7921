package frost

import (
	"crypto/rand"
	"fmt"
	"io"
	"math/big"
	"sync"

	"github.com/zkkex/zkkex/internal/redact"
)

// nonceRandomness is how many random bytes a nonce is made of (RFC 9591, section
// 4.1).
const nonceRandomness = 32

// Commitment is what a signer tells in round one: its nonces times the base.
type Commitment struct {
	// ID is the signer.
	ID Identifier
	// Hiding and Binding are the commitments to the two nonces.
	Hiding, Binding Element
}

// equal reports whether the two are the same.
func (c *Commitment) equal(other *Commitment) bool {
	return c.ID == other.ID && c.Hiding.Equal(other.Hiding) && c.Binding.Equal(other.Binding)
}

// Nonces are a signer's secret of one session. They sign once. They print as a
// fixed text and have no encoding: what is written down comes back with a
// backup, and two signatures with the same nonces tell the share.
type Nonces struct {
	redact.Silent
	mu              sync.Mutex
	hiding, binding *big.Int // nil once taken
	commitment      Commitment
}

// Commit draws nonces for one session of the share's owner (RFC 9591, section
// 5.1). They are hedged with the share, so that a weak random source alone does
// not tell it. It returns an error if the system has no randomness to give.
func (g *Group) Commit(share *KeyShare) (*Nonces, error) { return g.commit(share, rand.Reader) }

func (g *Group) commit(share *KeyShare, random io.Reader) (*Nonces, error) {
	hiding, err := g.nonce(share, random)
	if err != nil {
		return nil, err
	}
	binding, err := g.nonce(share, random)
	if err != nil {
		return nil, err
	}
	return &Nonces{
		hiding: hiding, binding: binding,
		commitment: Commitment{ID: share.id, Hiding: g.Suite.Base().Mul(hiding), Binding: g.Suite.Base().Mul(binding)},
	}, nil
}

// nonce is RFC 9591's nonce_generate.
func (g *Group) nonce(share *KeyShare, random io.Reader) (*big.Int, error) {
	seed := make([]byte, nonceRandomness, nonceRandomness+g.Suite.ScalarSize())
	if _, err := io.ReadFull(random, seed); err != nil {
		return nil, fmt.Errorf("reading randomness: %w", err)
	}
	seed = append(seed, g.Suite.EncodeScalar(share.secret)...)
	defer clear(seed)
	n := g.Suite.H3(seed)
	if n.Sign() == 0 {
		return nil, fmt.Errorf("drawing a nonce: %w", ErrIdentity) // as likely as guessing the share
	}
	return n, nil
}

// Commitment returns what is told of the nonces.
func (n *Nonces) Commitment() Commitment { return n.commitment }

// Discard deletes the nonces: they will not sign.
func (n *Nonces) Discard() {
	if hiding, binding, err := n.take(); err == nil {
		wipe(hiding)
		wipe(binding)
	}
}

// take gives the nonces out, once.
func (n *Nonces) take() (hiding, binding *big.Int, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	hiding, binding = n.hiding, n.binding
	n.hiding, n.binding = nil, nil
	if hiding == nil {
		return nil, nil, ErrNonces
	}
	return hiding, binding, nil
}
