package threshold

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/zkkex/zkkex/threshold/frost"
)

// table is a ceremony of members in memory, whose messages a test can change on
// their way.
type table struct {
	t          *testing.T
	plan       plan
	identities []*Identity
	members    []*ceremony // by place
	held       []*holding
	errs       []error // why a member stopped
}

// newTable seats honest participants.
func newTable(t *testing.T, threshold, participants int) *table {
	t.Helper()
	b := &table{t: t, plan: plan{setup: &Setup{Threshold: threshold}, attempt: 1}}
	for i := range participants {
		identity, err := NewIdentity(names[i])
		if err != nil {
			t.Fatal(err)
		}
		b.identities = append(b.identities, identity)
		b.plan.setup.Participants = append(b.plan.setup.Participants, identity.Member())
	}
	if err := b.plan.setup.Check(); err != nil {
		t.Fatal(err)
	}
	return b
}

// tamper changes a message on its way from one participant to another: the message
// itself, another, or nil for none. Everybody signs what he says.
type tamper func(m *message, to frost.Identifier) *message

// hold carries the ceremony out, and returns once no message is left.
func (b *table) hold(change tamper) {
	b.t.Helper()
	n := len(b.identities)
	b.members, b.held, b.errs = make([]*ceremony, n), make([]*holding, n), make([]error, n)
	var queue []*message
	for i, identity := range b.identities {
		c, first, err := join(b.plan, frost.Identifier(i+1), identity, nil, func(h *holding) error { b.held[i] = h; return nil })
		if err != nil {
			b.t.Fatal(err)
		}
		b.members[i] = c
		queue = append(queue, first)
	}
	for len(queue) > 0 {
		m := queue[0]
		queue = queue[1:]
		for i, c := range b.members {
			to := frost.Identifier(i + 1)
			shown := m
			if m.from.participant() != to && change != nil {
				shown = change(m, to)
			}
			if shown == nil || b.errs[i] != nil {
				continue
			}
			shown, err := b.plan.setup.open(shown.encode())
			if err != nil {
				b.t.Fatal(err)
			}
			out, err := c.receive(shown)
			queue = append(queue, out...)
			b.errs[i] = err
		}
	}
}

// resign returns a message of the same sender with another body.
func (b *table) resign(m *message, body []byte) *message {
	return b.identities[m.from-1].seal(m.kind, m.from, m.context, body)
}

// blamed checks that every honest participant stopped, without a group, and named
// the same one for the same reason.
func (b *table) blamed(liar frost.Identifier, want error) {
	b.t.Helper()
	for i, err := range b.errs {
		if frost.Identifier(i+1) == liar {
			continue
		}
		var fault *Fault
		if !errors.As(err, &fault) || fault.ID != liar || !errors.Is(err, want) {
			b.t.Errorf("%s: got %v, want participant %d: %v", names[i], err, liar, want)
		}
		if b.members[i].stage == stageDone {
			b.t.Errorf("%s has finished", names[i])
		}
	}
}

func TestCeremony(t *testing.T) {
	b := newTable(t, 2, 3)
	b.hold(nil)
	for i, c := range b.members {
		if b.errs[i] != nil || c.stage != stageDone || b.held[i] == nil {
			t.Fatalf("%s: stage %d, %v", names[i], c.stage, b.errs[i])
		}
		if c.group.Digest() != b.members[0].group.Digest() {
			t.Errorf("%s has another group", names[i])
		}
	}
}

// Each liar is carol, and alice and bob both name her.
func TestLiarsAreNamed(t *testing.T) {
	const carol = 3
	for name, c := range map[string]struct {
		change func(b *table) tamper
		want   error
	}{
		"other commitments to bob": {func(b *table) tamper {
			// A second, well-formed first message of carol's.
			_, other, err := join(b.plan, carol, b.identities[carol-1], nil, nil)
			if err != nil {
				b.t.Fatal(err)
			}
			return only(kindCommit, carol, func(m *message, to frost.Identifier) *message {
				if to == 2 {
					return other
				}
				return m
			})
		}, ErrEquivocation},
		"a polynomial that is too long": {func(b *table) tamper {
			long := b.plan
			longer := *b.plan.setup
			longer.Threshold++
			long.setup = &longer
			d, err := frost.Deal(suite(), longer.Threshold)
			if err != nil {
				b.t.Fatal(err)
			}
			return only(kindCommit, carol, func(m *message, _ frost.Identifier) *message {
				c, err := b.plan.parseCommit(carol, m.body)
				if err != nil {
					b.t.Fatal(err)
				}
				c.commitments = d.Commitments()
				return b.resign(m, c.encode())
			})
		}, frost.ErrCommitments},
		"no proof of the constant term": {func(b *table) tamper {
			return only(kindCommit, carol, func(m *message, _ frost.Identifier) *message {
				c, err := b.plan.parseCommit(carol, m.body)
				if err != nil {
					b.t.Fatal(err)
				}
				c.commitments[0] = c.commitments[0].Add(suite().Base())
				return b.resign(m, c.encode())
			})
		}, frost.ErrProof},
		"the identity as a commitment": {func(b *table) tamper {
			return only(kindCommit, carol, func(m *message, _ frost.Identifier) *message {
				body := slices.Clone(m.body)
				copy(body[inboxSize+1+32:], suite().Identity().Bytes())
				return b.resign(m, body)
			})
		}, ErrBadMessage},
		"a first message that is too short": {func(b *table) tamper {
			return only(kindCommit, carol, func(m *message, _ frost.Identifier) *message { return b.resign(m, m.body[:len(m.body)-1]) })
		}, ErrBadMessage},
		"a share that does not open": {func(b *table) tamper {
			return only(kindDeal, carol, func(m *message, _ frost.Identifier) *message {
				body := slices.Clone(m.body)
				body[3*receiptSize] ^= 1 // alice's
				return b.resign(m, body)
			})
		}, ErrBadDeal},
		"a share of another polynomial": {func(b *table) tamper {
			return only(kindDeal, carol, func(m *message, _ frost.Identifier) *message {
				c := b.members[carol-1]
				sealed, err := sealTo(c.commits[0].inbox, sealInfo(c.context(), carol, 1), c.dealing.Share(2))
				if err != nil {
					b.t.Fatal(err)
				}
				return b.resign(m, slices.Concat(m.body[:3*receiptSize], sealed, m.body[3*receiptSize+sealedSize:]))
			})
		}, ErrBadDeal},
		"shares that are too short": {func(b *table) tamper {
			return only(kindDeal, carol, func(m *message, _ frost.Identifier) *message { return b.resign(m, m.body[1:]) })
		}, ErrBadMessage},
		"an echo that bob did not sign": {func(b *table) tamper {
			return only(kindDeal, carol, func(m *message, _ frost.Identifier) *message {
				body := slices.Clone(m.body)
				body[receiptSize] ^= 1
				return b.resign(m, body)
			})
		}, ErrFalseEcho},
		"a confirmation of another group": {func(b *table) tamper {
			return only(kindConfirm, carol, func(m *message, _ frost.Identifier) *message { return b.resign(m, make([]byte, 32)) })
		}, ErrDisagree},
		"a complaint of a good share": {func(b *table) tamper {
			return only(kindConfirm, carol, func(m *message, _ frost.Identifier) *message {
				out, err := b.members[carol-1].complain(1)
				if err != nil {
					b.t.Fatal(err)
				}
				return out[0]
			})
		}, ErrFalseComplaint},
		"a complaint with another inbox": {func(b *table) tamper {
			return only(kindConfirm, carol, func(m *message, _ frost.Identifier) *message {
				return b.members[carol-1].say(kindComplaint, append([]byte{0, 1}, make([]byte, inboxSeed)...))
			})
		}, ErrFalseComplaint},
		"an equivocation that was none": {func(b *table) tamper {
			return only(kindConfirm, carol, func(m *message, _ frost.Identifier) *message {
				c := b.members[carol-1]
				r := c.seats[seat{kindCommit, 1}].receipt()
				other := r
				other.digest[0] ^= 1
				return c.say(kindEquivocation, other.append(r.append([]byte{0, 1, byte(kindCommit)})))
			})
		}, ErrFalseComplaint},
		"an equivocation of one message": {func(b *table) tamper {
			return only(kindConfirm, carol, func(m *message, _ frost.Identifier) *message {
				c := b.members[carol-1]
				r := c.seats[seat{kindCommit, 1}].receipt()
				return c.say(kindEquivocation, r.append(r.append([]byte{0, 1, byte(kindCommit)})))
			})
		}, ErrFalseComplaint},
		"a kind of another protocol": {func(b *table) tamper {
			return only(kindConfirm, carol, func(m *message, _ frost.Identifier) *message {
				return b.members[carol-1].say(kindShare, nil)
			})
		}, ErrBadMessage},
		"an abort without a reason": {func(b *table) tamper {
			return only(kindConfirm, carol, func(m *message, _ frost.Identifier) *message {
				return b.members[carol-1].say(kindAbort, []byte{9, 0, 0})
			})
		}, ErrBadMessage},
		"an abort": {func(b *table) tamper {
			return only(kindConfirm, carol, func(m *message, _ frost.Identifier) *message {
				return b.members[carol-1].say(kindAbort, []byte{abortStopped, 0, 0})
			})
		}, ErrAborted},
	} {
		t.Run(name, func(t *testing.T) {
			b := newTable(t, 2, 3)
			b.hold(c.change(b))
			b.blamed(carol, c.want)
		})
	}
}

// only changes messages of one kind of one sender.
func only(k kind, from sender, change tamper) tamper {
	return func(m *message, to frost.Identifier) *message {
		if m.kind == k && m.from == from {
			return change(m, to)
		}
		return m
	}
}

// A replayed message of another attempt does not count: its context is another's, and
// a proof made for it does not verify here.
func TestOtherAttempts(t *testing.T) {
	b := newTable(t, 2, 2)
	b.hold(nil)
	later := b.plan
	later.attempt++
	if later.context() == b.plan.context() || later.topic() == b.plan.topic() {
		t.Fatal("two attempts share a context")
	}
	if _, err := later.parseCommit(1, b.members[1].seats[seat{kindCommit, 1}].body); !errors.Is(err, frost.ErrProof) {
		t.Errorf("a proof of another attempt: %v", err)
	}
	refresh := plan{setup: b.plan.setup, previous: b.members[0].group, attempt: 1}
	if refresh.context() == b.plan.context() || refresh.generation() != 2 {
		t.Error("a refresh shares a context")
	}
	other := *b.plan.setup
	other.Threshold, other.Participants = 2, slices.Clone(other.Participants)
	slices.Reverse(other.Participants)
	if (&plan{setup: &other, attempt: 1}).context() == b.plan.context() {
		t.Error("two setups share a context")
	}
}

// Messages count in any order, and twice as once.
func TestAnyOrder(t *testing.T) {
	b := newTable(t, 2, 3)
	b.hold(nil)
	var all []*message
	for _, m := range b.members[0].seats {
		all = append(all, m, m)
	}
	slices.SortFunc(all, func(x, y *message) int { return bytes.Compare(x.sig[:], y.sig[:]) })
	c := watch(b.plan)
	for _, m := range all {
		if _, err := c.receive(m); err != nil {
			t.Fatal(err)
		}
	}
	if c.stage != stageDone || c.group.Digest() != b.members[0].group.Digest() {
		t.Errorf("stage %d", c.stage)
	}
}

// What a participant confirmed is never given up by it.
func TestNoAbortAfterConfirming(t *testing.T) {
	b := newTable(t, 2, 2)
	b.hold(only(kindConfirm, 2, func(*message, frost.Identifier) *message { return nil }))
	alice := b.members[0]
	if alice.stage != stageConfirms || b.held[0] == nil {
		t.Fatalf("stage %d", alice.stage)
	}
	if out := alice.abort(abortStopped, 0); out != nil {
		t.Error("it gives up")
	}
	if text := alice.waiting(); !strings.Contains(text, "confirmation of bob") {
		t.Errorf("it waits: %s", text)
	}
}

// Strangers, and members that name another sender, are nobody.
func TestSenders(t *testing.T) {
	b := newTable(t, 2, 2)
	stranger, err := NewIdentity("mallory")
	if err != nil {
		t.Fatal(err)
	}
	context := b.plan.context()
	for name, m := range map[string]*message{
		"a stranger":             stranger.seal(kindAbort, 1, context, nil),
		"bob as alice":           b.identities[1].seal(kindAbort, 1, context, nil),
		"nobody":                 b.identities[0].seal(kindAbort, 0, context, nil),
		"too high":               b.identities[0].seal(kindAbort, 3, context, nil),
		"a requester, of none":   b.identities[0].seal(kindAbort, firstRequester, context, nil),
		"a changed body":         changed(b.identities[0].seal(kindAbort, 1, context, []byte{1}), func(m *message) { m.body[0]++ }),
		"another kind":           changed(b.identities[0].seal(kindAbort, 1, context, nil), func(m *message) { m.kind = kindConfirm }),
		"another context":        changed(b.identities[0].seal(kindAbort, 1, context, nil), func(m *message) { m.context[0]++ }),
		"a signature of nothing": {kind: kindAbort, from: 1, context: context},
	} {
		if _, err := b.plan.setup.open(m.encode()); !errors.Is(err, ErrSender) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func changed(m *message, change func(*message)) *message {
	change(m)
	return m
}
