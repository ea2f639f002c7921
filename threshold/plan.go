package threshold

import (
	"encoding/hex"

	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/threshold/frost"
)

// MaxAttempts bounds the attempts at one key generation or refresh.
const MaxAttempts = 1000

// plan says which key generation or refresh, and which attempt at it.
type plan struct {
	setup    *Setup
	previous *Group // nil in the key generation
	attempt  int
}

func (p *plan) refresh() bool { return p.previous != nil }

// generation returns the one that is being made.
func (p *plan) generation() int {
	if p.previous == nil {
		return 1
	}
	return p.previous.Generation + 1
}

// context is what every message and proof of the attempt is bound to.
func (p *plan) context() [32]byte {
	var before [32]byte
	if p.previous != nil {
		before = p.previous.Digest()
	}
	digest := p.setup.Digest()
	return domain.Hash(domain.ThresholdAttempt, digest[:], before[:], domain.Uint32(uint32(p.generation())), domain.Uint32(uint32(p.attempt)))
}

// topic is where the messages of the attempt are.
func (p *plan) topic() string { return dealTopic(p.context()) }

func dealTopic(context [32]byte) string { return "deal-" + hex.EncodeToString(context[:]) }

// found returns the group that the dealers' first messages make.
func (p *plan) found(commits []*commitBody) (*Group, error) {
	var dealers [][]frost.Element
	g := &Group{Setup: p.setup.Digest(), Generation: p.generation(), Attempt: p.attempt}
	for _, c := range commits {
		dealers = append(dealers, c.commitments)
		g.inboxes = append(g.inboxes, c.inbox)
	}
	var err error
	if p.refresh() {
		g.public, err = p.previous.public.Refreshed(dealers)
	} else {
		g.public, err = frost.Found(suite(), p.setup.Threshold, dealers)
	}
	return g, err
}
