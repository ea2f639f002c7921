package threshold

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/zkkex/zkkex/threshold/frost"
)

// coordinator brings one signature about, apart from where its messages come from.
// It works as ROAST does (Ruffing, Ronge, Jin, Schneider-Bensch and Schröder, 2022):
// every signer that owes nothing has a fresh commitment here; as soon as there are
// enough of them, they are asked together. Each answer brings the signer's next
// commitment. One that lies is named and left out; one that is silent is in an
// attempt that stays open, and keeps nobody from another. No clock decides.
type coordinator struct {
	group    *frost.Group
	digest   []byte
	ready    map[frost.Identifier]frost.Commitment
	attempts map[[sha256.Size]byte]*signAttempt
	out      map[frost.Identifier]error
	heard    map[frost.Identifier]int
	sig      *frost.Signature
	signers  []frost.Identifier
}

// signAttempt is one list of commitments, and the answers to it.
type signAttempt struct {
	list   []frost.Commitment
	shares map[frost.Identifier]*big.Int
}

func newCoordinator(group *frost.Group, digest [32]byte) *coordinator {
	return &coordinator{
		group: group, digest: digest[:],
		ready:    make(map[frost.Identifier]frost.Commitment),
		attempts: make(map[[sha256.Size]byte]*signAttempt),
		out:      make(map[frost.Identifier]error),
		heard:    make(map[frost.Identifier]int),
	}
}

// patience is how many messages of one signer a coordinator reads, and how many
// packages of one coordinator a signer answers: at most as many attempts as there are
// participants (ROAST, theorem 4.3), and some for signers that are started again.
func patience(participants int) int { return 2*participants + 16 }

// exclude leaves a signer out, for a reason.
func (c *coordinator) exclude(id frost.Identifier, err error) error {
	c.out[id] = err
	delete(c.ready, id)
	return err
}

// receive takes the opened text of a signer's message, and returns the text of a
// package if there is one to send. Its error says why the signer is left out from
// now on.
func (c *coordinator) receive(k kind, id frost.Identifier, text []byte) (pack []byte, err error) {
	if c.sig != nil || c.out[id] != nil {
		return nil, nil
	}
	if c.heard[id]++; c.heard[id] > patience(len(c.group.Shares)) {
		return nil, c.exclude(id, fmt.Errorf("%w: too many of them", ErrBadMessage))
	}
	switch k {
	case kindCommitments:
		commitment, err := parseCommitment(id, text)
		if err != nil {
			return nil, c.exclude(id, err)
		}
		c.ready[id] = commitment
	case kindShare:
		if err := c.share(id, text); err != nil {
			return nil, c.exclude(id, err)
		}
	default:
		return nil, c.exclude(id, fmt.Errorf("%w: kind %d of a signer", ErrBadMessage, k))
	}
	return c.ask(), nil
}

// share takes a signer's answer, verifies it, and signs if it was the last.
func (c *coordinator) share(id frost.Identifier, text []byte) error {
	s, err := parseShareText(id, text)
	if err != nil {
		return err
	}
	a := c.attempts[s.pack]
	if a == nil || !slices.ContainsFunc(a.list, func(l frost.Commitment) bool { return l.ID == id }) {
		return fmt.Errorf("%w: it answers what it was not asked", ErrBadMessage)
	}
	if a.shares[id] != nil {
		return fmt.Errorf("%w: it answers twice", ErrBadMessage)
	}
	if err := c.group.VerifyShare(id, s.z, c.digest, a.list); err != nil {
		return fmt.Errorf("%w: %w", ErrWrongShare, err)
	}
	a.shares[id], c.ready[id] = s.z, s.next
	if len(a.shares) < len(a.list) {
		return nil
	}
	var shares []*big.Int
	c.signers = nil
	for _, l := range a.list {
		shares, c.signers = append(shares, a.shares[l.ID]), append(c.signers, l.ID)
	}
	c.sig, err = c.group.Aggregate(c.digest, a.list, shares)
	return err
}

// ask begins an attempt once enough signers are ready.
func (c *coordinator) ask() []byte {
	if c.sig != nil || len(c.ready) < c.group.Threshold {
		return nil
	}
	var ids []frost.Identifier
	for id := range c.ready {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	a := &signAttempt{shares: make(map[frost.Identifier]*big.Int)}
	for _, id := range ids[:c.group.Threshold] {
		a.list = append(a.list, c.ready[id])
		delete(c.ready, id)
	}
	pack := encodePackage(a.list)
	c.attempts[sha256.Sum256(pack)] = a
	return pack
}

// failed returns an error wrapping [ErrTooFew] once too few signers are left.
func (c *coordinator) failed(s *Setup) error {
	if c.sig != nil || len(c.group.Shares)-len(c.out) >= c.group.Threshold {
		return nil
	}
	return fmt.Errorf("%w, of %d needed: %w", ErrTooFew, c.group.Threshold, errors.Join(c.faults(s)...))
}

// faults returns who was left out, and why, by identifier.
func (c *coordinator) faults(s *Setup) (faults []error) {
	for i := range c.group.Shares {
		if err := c.out[frost.Identifier(i+1)]; err != nil {
			faults = append(faults, s.fault(sender(i+1), err))
		}
	}
	return faults
}
