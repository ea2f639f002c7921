package demo

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/admission"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/registry/mirror"
	"github.com/zkkex/zkkex/slots"
)

// refuse tries what must not work.
func (p *play) refuse(ctx context.Context) error {
	s := p.story
	s.title("What is refused, each for its one reason")
	s.text("Everything below is really tried, over the network, with programs that do not keep to the rules. The word on the right is the reason that came back; \"zkkex explain\" says more about each.")
	if p.options.sabotage != nil {
		p.options.sabotage(p)
	}
	mallory, err := p.workshop(ctx, &p.traders[offender].line)
	if err != nil {
		return err
	}
	for _, scene := range []func(context.Context, *workshop) error{
		p.refuseProofs, p.refuseGreed, p.refuseOrders, p.refuseBanned, p.refuseRevoked,
	} {
		if err := scene(ctx, mallory); err != nil {
			return err
		}
	}
	return nil
}

// attack is a certificate that a venue must refuse, for one reason.
type attack struct {
	what  string
	want  zkkex.Reason
	shown *zkkex.Presentation
	key   *ecdh.PrivateKey
}

// refuseProofs tries what others could do with what they saw, and what somebody could
// who is no member.
func (p *play) refuseProofs(ctx context.Context, w *workshop) error {
	s, carol := p.story, p.traders[offender]
	s.line("Getting in without being a member, or as somebody else:")
	first, key, err := w.prove(ctx, carol)
	if err != nil {
		return err
	}
	conn, err := w.open(ctx, first, key)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := p.replay(ctx, carol.line.last()); err != nil {
		return err
	}
	again, err := rerandomised(first)
	if err != nil {
		return err
	}
	second, secondKey, err := w.prove(ctx, carol)
	if err != nil {
		return err
	}
	for _, a := range []attack{
		{"an open session's proof and key, in a copied program", handshake.OpensExceeded, first, key},
		{"the same, its proof in other bytes that are as valid", handshake.OpensExceeded, again, key},
	} {
		count := func() uint64 { return p.house.node.Venue.Status().Admissions.Refused[a.want] }
		if err := s.refusedLate(a, count, func() error { return w.try(ctx, a.shown, a.key) }); err != nil {
			return err
		}
	}
	attacks := []attack{
		{"a proof with one bit flipped", zkkex.BadProof, withProof(second, flipped(second.Proof)), secondKey},
		{"the proof of another session", zkkex.BadProof, withProof(second, first.Proof), secondKey},
	}
	for _, forged := range []struct {
		what string
		want zkkex.Reason
		make func() (*zkkex.Presentation, *ecdh.PrivateKey, error)
	}{
		{"a stranger's proof: random points on the curve", zkkex.BadProof, func() (*zkkex.Presentation, *ecdh.PrivateKey, error) { return byStranger(second) }},
		{"somebody else's proof with one's own session key", zkkex.WrongBinding, func() (*zkkex.Presentation, *ecdh.PrivateKey, error) { return stolen(second, false) }},
		{"the same, made to look as if it belonged to the key", zkkex.BadProof, func() (*zkkex.Presentation, *ecdh.PrivateKey, error) { return stolen(second, true) }},
		{"a good proof that was made for another venue", zkkex.WrongScope, func() (*zkkex.Presentation, *ecdh.PrivateKey, error) { return p.elsewhere(ctx, w) }},
	} {
		shown, with, err := forged.make()
		if err != nil {
			return err
		}
		attacks = append(attacks, attack{forged.what, forged.want, shown, with})
	}
	for _, a := range attacks {
		if err := s.refused(a.what, a.want, w.try(ctx, a.shown, a.key)); err != nil {
			return err
		}
	}
	// None of it used the second proof up.
	owned, err := w.open(ctx, second, secondKey)
	if err != nil {
		return fmt.Errorf("%w: after the attacks, the owner of the proof is refused: %w", ErrUnexpected, err)
	}
	s.accepted("the attacked proof, shown by its owner: no attack used it up")
	s.gap()
	w.opened, w.openedKey = second, secondKey
	return owned.Close()
}

// refusedLate checks that the venue ended a channel when it was to be confirmed. The
// peer gets an alert; the reason is in the venue's count.
func (s *story) refusedLate(a attack, count func() uint64, try func() error) error {
	before := count()
	err := try()
	var alert handshake.Alert
	if !errors.As(err, &alert) {
		return unexpected(a.what, string(a.want), err)
	}
	if now := count(); now != before+1 {
		return unexpected(a.what, string(a.want), fmt.Errorf("the venue counts %d more: %w", now-before, err))
	}
	s.refusal(refusal{a.what, "venue", string(a.want), 0, "the venue counted the reason, and ended the channel: " + alert.Error()})
	return nil
}

// replay sends a first message again, byte for byte, as the network saw it.
func (p *play) replay(ctx context.Context, from string) error {
	const attempt = "a first message, sent again byte for byte"
	w, err := p.relay.of(from)
	if err != nil {
		return err
	}
	message, err := w.first()
	if err != nil {
		return err
	}
	before := p.house.node.Venue.Status().Handshakes.Messages.Replayed
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", p.relay.address())
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := conn.Write(message); err != nil {
		return err
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		return err
	}
	if len(answer) > 0 {
		return unexpected(attempt, "no answer", fmt.Errorf("%d bytes", len(answer)))
	}
	if now := p.house.node.Venue.Status().Handshakes.Messages.Replayed; now != before+1 {
		return unexpected(attempt, "replay", fmt.Errorf("the venue counts %d replays more", now-before))
	}
	p.story.refusal(refusal{attempt, "venue", "replay", 0, "the venue closed the connection without a byte, and counted " + handshake.ErrReplay.Error()})
	return nil
}

// elsewhere makes a good proof in another scope.
func (p *play) elsewhere(ctx context.Context, w *workshop) (*zkkex.Presentation, *ecdh.PrivateKey, error) {
	key, a, err := newKey()
	if err != nil {
		return nil, nil, err
	}
	carol := p.traders[offender]
	claim, err := carol.NamedClaim(carol.registry, "other.example", p.schedule, limit, a)
	if err != nil {
		return nil, nil, err
	}
	shown, err := carol.Prove(ctx, carol.registry, claim)
	return shown, key, err
}

// refuseGreed has a member ask for more sessions than its share.
func (p *play) refuseGreed(ctx context.Context, w *workshop) error {
	s, carol := p.story, p.traders[offender]
	s.line("More sessions than everybody's %d, which are numbered slots:", limit)
	honest, key, err := w.prove(ctx, carol)
	if err != nil {
		return err
	}
	w.unused, w.unusedKey = honest, key
	g, err := p.greedy(carol, honest)
	if err != nil {
		return err
	}
	// Slot 0 is that of carol's first session.
	twice, key, err := g.prove(ctx, 0, limit)
	if err != nil {
		return err
	}
	if err := s.refused("a slot that was used, with a fresh proof and key", zkkex.SlotUsed, w.try(ctx, twice, key)); err != nil {
		return err
	}
	if _, _, err = g.prove(ctx, limit, limit); err == nil {
		return unexpected("a proof of a slot that there is not", "slot", nil)
	}
	var witness *circuits.WitnessError
	if !errors.As(err, &witness) || witness.Check != "slot" {
		return unexpected("a proof of a slot that there is not", "slot", err)
	}
	s.refusal(refusal{fmt.Sprintf("a proof of slot %d, of 0 to %d", limit, limit-1), "prover", "slot", 0, err.Error()})
	more, key, err := g.prove(ctx, limit, limit+1)
	if err != nil {
		return err
	}
	if err := s.refused(fmt.Sprintf("a true proof of slot %d, of %d", limit, limit+1), zkkex.WrongLimit, w.try(ctx, more, key)); err != nil {
		return err
	}
	disguised := *more
	disguised.Statement.Limit = limit
	if disguised.Statement.Binding, err = binding(&disguised, limit); err != nil {
		return err
	}
	if err := s.refused(fmt.Sprintf("the same, said to be of %d", limit), zkkex.BadProof, w.try(ctx, &disguised, key)); err != nil {
		return err
	}
	return p.exhaust(ctx)
}

// exhaust opens sessions with the honest program, until it has none left.
func (p *play) exhaust(ctx context.Context) error {
	carol := p.traders[offender]
	for range limit {
		session, err := carol.at.Fresh(ctx)
		if err != nil {
			return p.story.refusedBy("one session more, by the honest program", "trader", slots.ErrNoSlot, "no_slot", err)
		}
		if err := session.Close(); err != nil {
			return err
		}
	}
	return unexpected("one session more", "no_slot", nil)
}

// refuseOrders tries orders that a venue refuses.
func (p *play) refuseOrders(ctx context.Context, _ *workshop) error {
	s, bob, carol := p.story, p.traders[taker].desk, p.traders[offender].desk
	s.gap()
	s.line("Orders, with the reason's number in FIX, the protocol that exchanges speak:")
	o, err := bob.Submit(ctx, limited(order.Buy, "1", "60000"))
	if err != nil {
		return err
	}
	if err := p.refuseForeign(ctx, carol, o.ID()); err != nil {
		return err
	}
	twice := limited(order.Buy, "7", "60000")
	twice.ClOrdID = o.ID()
	for _, a := range []struct {
		what   string
		order  order.NewOrderSingle
		want   error
		code   order.OrdRejReason
		reason string
	}{
		{"another order with the ID of one that there is", twice, order.ErrDuplicate, order.RejDuplicate, "duplicate_order"},
		{"a price of 60000.001, where the step is 0.01", limited(order.Buy, "1", "60000.001"), order.ErrInvalid, order.RejInvalidPriceIncrement, "invalid_order"},
		{"a quantity of 0.00001, where the step is 0.0001", limited(order.Buy, "0.00001", "60000"), order.ErrInvalid, order.RejIncorrectQuantity, "invalid_order"},
		{"something that is not traded here", other(limited(order.Buy, "1", "1")), order.ErrUnknownSymbol, order.RejUnknownSymbol, "unknown_symbol"},
	} {
		_, err := bob.Submit(ctx, a.order)
		if err := s.refusedOrder(a.what, a.want, a.code, a.reason, err); err != nil {
			return err
		}
	}
	if r, err := bob.Status(ctx, o.ID()); err != nil || r.OrdStatus != order.StatusNew || r.OrderQty != number("1") {
		return fmt.Errorf("%w: after the attacks, the order is %+v: %w", ErrUnexpected, r, err)
	}
	_, err = o.Cancel(ctx)
	return err
}

func other(o order.NewOrderSingle) order.NewOrderSingle {
	o.Symbol = "TULIP-USD"
	return o
}

// refusedOrder checks that the venue refused an order with a reason, and with the
// code of FIX that goes with it.
func (s *story) refusedOrder(attempt string, want error, code order.OrdRejReason, reason string, got error) error {
	var reject *order.RejectError
	if !errors.As(got, &reject) || !errors.Is(got, want) {
		return unexpected(attempt, reason, got)
	}
	r, ok := reject.Report.(*order.ExecutionReport)
	if !ok || r.OrdRejReason != code {
		return unexpected(attempt, reason, fmt.Errorf("%w, with %+v", got, reject.Report))
	}
	s.refusal(refusal{attempt, "venue", reason, uint16(code), got.Error()})
	return nil
}

// refuseForeign cancels somebody else's order, which looks like one that there is
// not.
func (p *play) refuseForeign(ctx context.Context, d *desk, id order.ID) error {
	s := p.story
	var none order.ID
	rand.Read(none[:])
	var answers []order.OrderCancelReject
	for _, a := range []struct {
		what    string
		id      order.ID
		options []order.Option
	}{
		{"cancelling somebody else's order", id, nil},
		{"the same, signed with a key that is not the order's", id, []order.Option{order.WithProof()}},
		{"cancelling an order that there is not", none, nil},
	} {
		_, err := d.Cancel(ctx, a.id, a.options...)
		var reject *order.RejectError
		if !errors.As(err, &reject) || !errors.Is(err, order.ErrUnknownOrder) {
			return unexpected(a.what, "unknown_order", err)
		}
		r, ok := reject.Report.(*order.OrderCancelReject)
		if !ok {
			return unexpected(a.what, "unknown_order", fmt.Errorf("%w, with %+v", err, reject.Report))
		}
		answer := *r
		answer.ClOrdID, answer.OrigClOrdID = order.ID{}, order.ID{} // as the sender named them
		answers = append(answers, answer)
		s.refusal(refusal{a.what, "venue", "unknown_order", uint16(r.CxlRejReason), err.Error()})
	}
	if answers[0] != answers[1] || answers[0] != answers[2] {
		return fmt.Errorf("%w: who cancels somebody else's order is told that it is there: %+v", ErrUnexpected, answers)
	}
	s.accepted("the three answers are the same: nobody learns what others have")
	return nil
}

// refuseBanned has the operator ban a pseudonym.
func (p *play) refuseBanned(ctx context.Context, w *workshop) error {
	s, carol := p.story, p.traders[offender]
	s.gap()
	s.line("Those who may not trade any more:")
	banned := carol.desk.State().Session
	if err := p.house.node.Gateway.Ban(ctx, banned); err != nil {
		return err
	}
	select {
	case <-carol.desk.Done():
	case <-time.After(patience):
		return fmt.Errorf("%w: a banned session goes on", ErrUnexpected)
	}
	if err := s.refusedBy("a session whose pseudonym the operator banned", "venue", order.ErrBanned, "banned", carol.desk.Err()); err != nil {
		return err
	}
	epoch, shown := w.epoch.Number, w.opened
	if err := p.house.node.Venue.Ban(ctx, epoch, admission.PseudonymOf(epoch, shown.Statement.Nullifier)); err != nil {
		return err
	}
	return s.refused("a banned pseudonym that connects again", handshake.Banned, w.try(ctx, shown, w.openedKey))
}

// refuseRevoked has the registrar take a member's entry back, and the venue go on
// with the list as it is now.
func (p *play) refuseRevoked(ctx context.Context, w *workshop) error {
	s, carol, bob := p.story, p.traders[offender], p.traders[taker]
	if err := s.timed(fmt.Sprintf("%s's entry is revoked; the venue begins a new generation of proofs", carol.name), func() error {
		if _, err := p.office.registrar.RevokeKey(carol.Public(), time.Now()); err != nil {
			return err
		}
		if _, err := p.office.server.Publish(ctx); err != nil {
			return err
		}
		_, err := p.house.node.Venue.Raise(ctx)
		return err
	}); err != nil {
		return err
	}
	fresh, err := p.workshop(ctx, &carol.line)
	if err != nil {
		return err
	}
	if err := s.refused("a proof that was made before", handshake.WrongGeneration, fresh.try(ctx, w.unused, w.unusedKey)); err != nil {
		return err
	}
	if err := carol.at.Sync(ctx); err != nil {
		return err
	}
	_, err = carol.at.Fresh(ctx)
	if err := s.refusedBy("a new proof", "prover", mirror.ErrNotMember, "not_member", err); err != nil {
		return err
	}
	if err := bob.at.Sync(ctx); err != nil {
		return err
	}
	if err := bob.open(ctx); err != nil {
		return fmt.Errorf("%w: %s, who is a member, is refused: %w", ErrUnexpected, bob.name, err)
	}
	s.accepted("everybody else proves again, and goes on")
	return nil
}
