package threshold

import (
	"fmt"

	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/threshold/frost"
)

// Objections end an attempt, and show the others why:
//
//	complaint     whose share is bad, and the seed of the own inbox of this attempt,
//	              with which everybody opens the share and sees. Nothing is lost by
//	              that: an attempt with an objection gives no shares
//	equivocation  who told two things, of what kind, and the receipts of both
//	abort         why, and of whom the reason is, or 0

// Reasons of an abort.
const (
	abortRestarted = 1
	abortStopped   = 2
	abortMessage   = 3
)

// complain shows that the share which a dealer sent is bad.
func (c *ceremony) complain(dealer frost.Identifier) ([]*message, error) {
	seed, err := c.inbox.Bytes()
	if err != nil {
		return nil, err
	}
	return []*message{c.say(kindComplaint, append(domain.Uint16(uint16(dealer)), seed...))}, nil
}

// equivocation shows that a sender told two things.
func (c *ceremony) equivocation(k kind, liar sender, one, other receipt) ([]*message, error) {
	fault := c.setup.fault(liar, ErrEquivocation)
	if c.me == 0 {
		return nil, fault
	}
	body := append(domain.Uint16(uint16(liar)), byte(k))
	return []*message{c.say(kindEquivocation, other.append(one.append(body)))}, fault
}

// objectTo ends the attempt because of a message of a sender that everybody sees
// to be bad.
func (c *ceremony) objectTo(from sender, err error) ([]*message, error) {
	return c.abort(abortMessage, from), c.setup.fault(from, err)
}

// abort returns what tells the others that this participant gives up. One that has
// confirmed does not: the others may have finished.
func (c *ceremony) abort(reason byte, about sender) []*message {
	if c.me == 0 || c.stage >= stageConfirms {
		return nil
	}
	return []*message{c.say(kindAbort, append([]byte{reason}, domain.Uint16(uint16(about))...))}
}

// abortError says that a participant gave up.
type abortError struct {
	reason byte
	about  string
}

// Error returns the reason.
func (e *abortError) Error() string {
	switch e.reason {
	case abortRestarted:
		return "was restarted: " + ErrAborted.Error()
	case abortStopped:
		return "was stopped: " + ErrAborted.Error()
	default:
		return fmt.Sprintf("refused a message of %s: %v", e.about, ErrAborted)
	}
}

// Unwrap returns ErrAborted.
func (e *abortError) Unwrap() error { return ErrAborted }

// judge decides about the objections that came so far.
func (c *ceremony) judge() error {
	for _, m := range c.objections {
		if err := c.judgeOne(m); err != nil {
			return err
		}
	}
	return nil
}

// judgeOne returns whose fault it is, or nil if the messages that would show it are
// not there yet.
func (c *ceremony) judgeOne(m *message) error {
	switch m.kind {
	case kindComplaint:
		return c.judgeComplaint(m)
	case kindEquivocation:
		return c.judgeEquivocation(m)
	}
	f := &fields{rest: m.body}
	reason, about := f.byte(), f.sender()
	if err := f.end(); err != nil || reason < abortRestarted || reason > abortMessage {
		return c.setup.fault(m.from, fmt.Errorf("%w: an abort", ErrBadMessage))
	}
	e := &abortError{reason: reason}
	if reason == abortMessage {
		who, err := c.setup.member(about)
		if err != nil {
			return c.setup.fault(m.from, fmt.Errorf("%w: an abort", ErrBadMessage))
		}
		e.about = who.Name
	}
	return c.setup.fault(m.from, e)
}

func (c *ceremony) judgeComplaint(m *message) error {
	f := &fields{rest: m.body}
	dealer, seed := f.sender(), f.next(inboxSeed)
	from, by := dealer.participant(), m.from.participant()
	if err := f.end(); err != nil || from == 0 || int(from) > len(c.commits) || from == by {
		return c.setup.fault(m.from, fmt.Errorf("%w: a complaint", ErrBadMessage))
	}
	if c.commits[by-1] == nil || c.commits[from-1] == nil || c.seats[seat{kindDeal, from}] == nil {
		return nil
	}
	inbox, err := inboxKEM().NewPrivateKey(seed)
	if err != nil || string(inbox.PublicKey().Bytes()) != string(c.commits[by-1].inbox.Bytes()) {
		return c.setup.faultf(m.from, ErrFalseComplaint, "the inbox it shows is not its own")
	}
	if _, err := c.checkDeal(from); err != nil {
		return err
	}
	if _, err := c.openDeal(from, by, inbox); err != nil {
		return c.setup.fault(dealer, err)
	}
	return c.setup.faultf(m.from, ErrFalseComplaint, "the share that %s sent is good", c.setup.Participants[from-1].Name)
}

func (c *ceremony) judgeEquivocation(m *message) error {
	f := &fields{rest: m.body}
	liar, k := f.sender(), kind(f.byte())
	one, other := f.receipt(), f.receipt()
	if err := f.end(); err != nil || liar.participant() == 0 || k < kindCommit || k > kindConfirm {
		return c.setup.fault(m.from, fmt.Errorf("%w: an equivocation", ErrBadMessage))
	}
	for _, r := range []receipt{one, other} {
		if err := c.setup.checkReceipt(k, liar, c.context(), r); err != nil {
			return c.setup.fault(m.from, fmt.Errorf("%w: %w", ErrFalseComplaint, err))
		}
	}
	if one.digest == other.digest {
		return c.setup.faultf(m.from, ErrFalseComplaint, "the two messages are one")
	}
	return c.setup.fault(liar, ErrEquivocation)
}
