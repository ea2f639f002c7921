package threshold

import (
	"crypto/hpke"
	"fmt"
	"strings"

	"github.com/zkkex/zkkex/internal/redact"
	"github.com/zkkex/zkkex/threshold/frost"
)

// stage is what a ceremony waits for.
type stage int

const (
	stageCommits stage = iota
	stageDeals
	stageConfirms
	stageDone
)

// seat is where a sender has one message.
type seat struct {
	kind kind
	from frost.Identifier
}

// ceremony is one attempt at a key generation or a refresh, apart from where its
// messages come from: it takes them in any order and says what to send. Without
// an identity it watches: it comes to know the group, and sends nothing.
//
//	commit   everybody: inbox, commitments, proof                 | stageCommits
//	deal     everybody, with all commits: an echo of them, shares | stageDeals
//	confirm  everybody, with all deals: the group's digest        | stageConfirms
//
// All confirms of one digest end it. Whatever goes wrong before is an error that
// names who did it, with messages that show it to the others.
type ceremony struct {
	redact.Silent
	plan
	me       frost.Identifier // 0 if it watches
	identity *Identity
	old      *holding // in a refresh
	dealing  *frost.Dealing
	inbox    hpke.PrivateKey
	hold     func(*holding) error // makes what came of it durable

	stage      stage
	seats      map[seat]*message
	commits    []*commitBody // by place
	objections []*message
	group      *Group
}

// watch returns a ceremony that sends nothing.
func watch(p plan) *ceremony {
	return &ceremony{plan: p, seats: make(map[seat]*message), commits: make([]*commitBody, len(p.setup.Participants))}
}

// join returns a ceremony that takes part, and its first message. hold is called
// before the others are told that they can rely on this participant.
func join(p plan, me frost.Identifier, identity *Identity, old *holding, hold func(*holding) error) (*ceremony, *message, error) {
	c := watch(p)
	c.me, c.identity, c.old, c.hold = me, identity, old, hold
	deal := frost.Deal
	if p.refresh() {
		deal = frost.DealRefresh
	}
	var err error
	if c.dealing, err = deal(suite(), p.setup.Threshold); err != nil {
		return nil, nil, err
	}
	if c.inbox, err = inboxKEM().GenerateKey(); err != nil {
		return nil, nil, err
	}
	body := &commitBody{inbox: c.inbox.PublicKey(), commitments: c.dealing.Commitments()}
	if !p.refresh() {
		context := p.context()
		if body.proof, err = c.dealing.Prove(context[:], me); err != nil {
			return nil, nil, err
		}
	}
	return c, c.say(kindCommit, body.encode()), nil
}

// say signs a message of this participant.
func (c *ceremony) say(k kind, body []byte) *message {
	return c.identity.seal(k, sender(c.me), c.context(), body)
}

// receive takes a message that its sender signed, in the attempt's context, and
// returns what to send: also with an error, which it does not return before.
func (c *ceremony) receive(m *message) (out []*message, err error) {
	from := m.from.participant()
	if from == 0 || c.stage == stageDone {
		return nil, nil
	}
	switch m.kind {
	case kindCommit, kindDeal, kindConfirm:
		if out, err := c.sit(m, from); err != nil {
			return out, err
		}
	case kindComplaint, kindEquivocation, kindAbort:
		c.objections = append(c.objections, m)
	default:
		return c.objectTo(m.from, fmt.Errorf("%w: kind %d in a key generation", ErrBadMessage, m.kind))
	}
	for {
		before := c.stage
		sent, err := c.advance()
		out = append(out, sent...)
		if err != nil {
			return out, err
		}
		if c.stage == before {
			break
		}
	}
	if c.stage == stageDone {
		return out, nil
	}
	return out, c.judge()
}

// sit gives a message its sender's seat. Two in one seat are the proof of a lie.
func (c *ceremony) sit(m *message, from frost.Identifier) ([]*message, error) {
	at := seat{m.kind, from}
	if other := c.seats[at]; other != nil {
		if other.receipt().digest == m.receipt().digest {
			return nil, nil
		}
		return c.equivocation(m.kind, m.from, other.receipt(), m.receipt())
	}
	if m.kind == kindCommit {
		commit, err := c.parseCommit(from, m.body)
		if err != nil {
			return c.objectTo(m.from, err)
		}
		c.commits[from-1] = commit
	}
	c.seats[at] = m
	return nil, nil
}

// missing returns who has not sent a message yet.
func (c *ceremony) missing(k kind) (names []string) {
	for i, p := range c.setup.Participants {
		if c.seats[seat{k, frost.Identifier(i + 1)}] == nil {
			names = append(names, p.Name)
		}
	}
	return names
}

// waiting says for whom the ceremony waits.
func (c *ceremony) waiting() string {
	k, what := kindConfirm, "confirmation"
	switch c.stage {
	case stageCommits:
		k, what = kindCommit, "first message"
	case stageDeals:
		k, what = kindDeal, "shares"
	}
	return fmt.Sprintf("attempt %d: waiting for %s of %s", c.attempt, what, strings.Join(c.missing(k), ", "))
}

// advance goes one stage on if everything is there.
func (c *ceremony) advance() ([]*message, error) {
	switch {
	case c.stage == stageCommits && len(c.missing(kindCommit)) == 0:
		return c.endCommits()
	case c.stage == stageDeals && len(c.missing(kindDeal)) == 0:
		return c.endDeals()
	case c.stage == stageConfirms:
		return nil, c.checkConfirms()
	}
	return nil, nil
}

// endCommits deals.
func (c *ceremony) endCommits() ([]*message, error) {
	group, err := c.found(c.commits)
	if err != nil {
		return nil, err
	}
	c.group, c.stage = group, stageDeals
	if c.me == 0 {
		return nil, nil
	}
	body, err := c.deal()
	if err != nil {
		return nil, err
	}
	return []*message{c.say(kindDeal, body)}, nil
}

// endDeals opens what was dealt, keeps it, and confirms.
func (c *ceremony) endDeals() ([]*message, error) {
	for i := range c.setup.Participants {
		if out, err := c.checkDeal(frost.Identifier(i + 1)); err != nil {
			return out, err
		}
	}
	if c.me == 0 {
		c.stage = stageConfirms
		return nil, nil
	}
	made, out, err := c.collect()
	if err != nil {
		return out, err
	}
	if err := c.hold(made); err != nil {
		return nil, fmt.Errorf("keeping the share: %w", err)
	}
	c.stage = stageConfirms
	digest := c.group.Digest()
	return []*message{c.say(kindConfirm, digest[:])}, nil
}

// collect returns what was dealt to this participant, or complains.
func (c *ceremony) collect() (*holding, []*message, error) {
	var dealt [][]byte
	defer func() {
		for _, share := range dealt {
			clear(share)
		}
	}()
	for i := range c.setup.Participants {
		from := frost.Identifier(i + 1)
		if from == c.me {
			dealt = append(dealt, c.dealing.Share(c.me))
			continue
		}
		share, err := c.openDeal(from, c.me, c.inbox)
		if err != nil {
			out, complained := c.complain(from)
			if complained != nil {
				return nil, nil, complained
			}
			return nil, out, c.setup.fault(sender(from), err)
		}
		dealt = append(dealt, share)
	}
	var old *frost.KeyShare
	if c.old != nil {
		old = c.old.share
	}
	share, err := c.group.public.Collect(c.me, old, dealt)
	return &holding{group: c.group, share: share, inbox: c.inbox}, nil, err
}

// checkConfirms ends the ceremony once everybody has confirmed this group.
func (c *ceremony) checkConfirms() error {
	digest := c.group.Digest()
	for i := range c.setup.Participants {
		m := c.seats[seat{kindConfirm, frost.Identifier(i + 1)}]
		if m != nil && string(m.body) != string(digest[:]) {
			return c.setup.fault(m.from, ErrDisagree)
		}
	}
	if len(c.missing(kindConfirm)) == 0 {
		c.stage = stageDone
	}
	return nil
}

// wipe overwrites what only the attempt needed.
func (c *ceremony) wipe() {
	if c.dealing != nil {
		c.dealing.Wipe()
	}
}
