package frost

import (
	"fmt"
	"math/big"

	"github.com/zkkex/zkkex/internal/redact"
)

// Limits of a group.
const (
	// MinThreshold is the least threshold: one signer alone needs no scheme.
	MinThreshold = 2
	// MaxParticipants bounds the number of participants.
	MaxParticipants = 64
)

// Identifier names a participant: 1 to the number of participants.
type Identifier uint16

// Group is what everybody knows of a group. It is not changed once made.
type Group struct {
	// Suite is the ciphersuite.
	Suite Ciphersuite
	// Threshold is how many participants sign.
	Threshold int
	// Key is the public key.
	Key Element
	// Shares are the participants' verification shares: Shares[i-1] is the base
	// times the share of participant i.
	Shares []Element
}

// Check returns an error if the group is out of limits, or if its parts do not
// belong together: every verification share lies on the one polynomial, of a
// degree below the threshold, that gives the key at 0.
func (g *Group) Check() error {
	if err := CheckSize(g.Threshold, len(g.Shares)); err != nil {
		return err
	}
	if g.Key.IsIdentity() {
		return fmt.Errorf("the group's key: %w", ErrIdentity)
	}
	// Any t points determine the polynomial.
	known := make([]Identifier, g.Threshold)
	for i := range known {
		known[i] = Identifier(i + 1)
	}
	if !g.interpolate(known, 0).Equal(g.Key) {
		return fmt.Errorf("the group's key: %w", ErrShare)
	}
	for i := g.Threshold; i < len(g.Shares); i++ {
		if id := Identifier(i + 1); !g.interpolate(known, id).Equal(g.Shares[i]) {
			return fmt.Errorf("verification share %d: %w", id, ErrShare)
		}
	}
	return nil
}

// interpolate returns base*f(x) from the verification shares of known.
func (g *Group) interpolate(known []Identifier, x Identifier) Element {
	sum := g.Suite.Identity()
	for _, id := range known {
		sum = sum.Add(g.Shares[id-1].Mul(lagrange(g.Suite.Order(), known, id, x)))
	}
	return sum
}

// CheckSize returns an error wrapping [ErrThreshold] unless a group of so many
// participants can have the threshold.
func CheckSize(threshold, participants int) error {
	if threshold < MinThreshold || threshold > participants || participants > MaxParticipants {
		return fmt.Errorf("%w, got a threshold of %d of %d", ErrThreshold, threshold, participants)
	}
	return nil
}

// check returns an error unless id is a participant.
func (g *Group) check(id Identifier) error {
	if id == 0 || int(id) > len(g.Shares) {
		return fmt.Errorf("%w, got %d of %d", ErrIdentifier, id, len(g.Shares))
	}
	return nil
}

// KeyShare is one participant's secret share of a group's key. It prints as a
// fixed text.
type KeyShare struct {
	redact.Silent
	id     Identifier
	secret *big.Int
}

// NewKeyShare decodes participant id's share. It returns an error if it is not
// the one that the verification share in the group belongs to.
func (g *Group) NewKeyShare(id Identifier, encoded []byte) (*KeyShare, error) {
	if err := g.check(id); err != nil {
		return nil, err
	}
	secret, err := g.Suite.DecodeScalar(encoded)
	if err != nil {
		return nil, fmt.Errorf("share: %w", err)
	}
	if !g.Suite.Base().Mul(secret).Equal(g.Shares[id-1]) {
		return nil, fmt.Errorf("%w of participant %d in this group", ErrShare, id)
	}
	return &KeyShare{id: id, secret: secret}, nil
}

// ID returns whose share it is.
func (k *KeyShare) ID() Identifier { return k.id }

// Wipe overwrites the share in memory.
func (k *KeyShare) Wipe() { wipe(k.secret) }

// Encode returns the share's encoding, a secret.
func (k *KeyShare) Encode(s Ciphersuite) []byte { return s.EncodeScalar(k.secret) }

// wipe overwrites v.
func wipe(v *big.Int) { clear(v.Bits()); v.SetInt64(0) }
