package bench

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/crypto/blake2s"

	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/session"
)

// Limits of what first messages that come to nothing cost a venue, CPU time.
const (
	unMACedLimit  = 5 * time.Microsecond
	replayLimit   = 10 * time.Microsecond
	forgeryLimit  = 0.25 // of a good open
	garbageBatch  = 200
	messageBatch  = 40
	macSize       = 16
	sourceAddress = "192.0.2.1"
)

// garbage measures the handshake's state machine, without a socket: what it costs
// the venue to turn bad first messages away, and what each side of a good open
// costs.
func (r *runner) garbage(ctx context.Context) (err error) {
	m, err := r.prepared()
	if err != nil {
		return err
	}
	e, err := newExchange(m, r.options.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	t, err := newTarget(m, e)
	if err != nil {
		return err
	}
	tasks, err := t.tasks()
	if err != nil {
		return err
	}
	r.progress(Garbage, "%d rounds of %d tasks", r.options.rounds(), len(tasks))
	timings, err := r.measure(ctx, Garbage, 0, r.options.rounds(), tasks...)
	if err != nil {
		return err
	}
	r.report.cost("first message with a wrong MAC", timings[0], unMACedLimit)
	r.report.cost("first message replayed", timings[1], replayLimit)
	r.report.ratio("first message forged / a good open, at the venue", timings[2], timings[3], forgeryLimit)
	return nil
}

// cost adds the target that an operation takes at most limit of CPU time, by the
// median.
func (r *Report) cost(name string, t Timing, limit time.Duration) {
	ns := t.CPU.Median
	if ns == 0 {
		ns = t.Wall.Median
	}
	r.target(name, time.Duration(ns).Seconds(), "seconds", limit.Seconds())
}

// target is a responder, and a member that it knows.
type target struct {
	venue       *handshake.Venue
	responder   *handshake.Responder
	certificate *session.Certificate

	initiators []*handshake.Initiator
	messages   [][]byte
	answers    [][]byte
}

func newTarget(m *member, e *exchange) (*target, error) {
	c, err := e.admitted(m, 0)
	if err != nil {
		return nil, err
	}
	r, err := e.responder(generous())
	if err != nil {
		return nil, err
	}
	return &target{venue: e.known(plainSuite), responder: r, certificate: c}, nil
}

func (t *target) respond(message []byte) ([]byte, error) {
	answer, a, err := t.responder.Respond(context.Background(), netip.MustParseAddr(sourceAddress), message)
	if a != nil {
		a.Release()
	}
	return answer, err
}

// tasks are the bad messages, and then the steps of good opens.
func (t *target) tasks() ([]task, error) {
	if err := errors.Join(t.begin(3), t.writeAll()); err != nil {
		return nil, err
	}
	good, unMACed, forged := t.messages[0], spoil(t.messages[1]), remac(t.venue, spoil(t.messages[2]))
	if _, err := t.respond(good); err != nil {
		return nil, err
	}
	begun := func() error { return t.begin(messageBatch) }
	written := func() error { return errors.Join(begun(), t.writeAll()) }
	answered := func() error { return errors.Join(written(), t.answerAll()) }
	return []task{
		{name: "venue: wrong MAC, refused before any key", batch: garbageBatch, run: t.refuses(unMACed, handshake.ErrMAC)},
		{name: "venue: replayed", batch: garbageBatch, run: t.refuses(good, handshake.ErrReplay)},
		{name: "venue: forged, two key agreements", batch: garbageBatch, run: t.refuses(forged, handshake.ErrUnauthentic)},
		{name: "venue: a good open, to the answer", batch: messageBatch, before: written, run: t.answer},
		{name: "member: first message", batch: messageBatch, before: begun, run: t.write},
		{name: "member: answer", batch: messageBatch, before: answered, run: t.finish},
	}, nil
}

// refuses returns a run of a message that is refused for a reason.
func (t *target) refuses(message []byte, reason error) func() error {
	return func() error {
		if answer, err := t.respond(message); !errors.Is(err, reason) || answer != nil {
			return fmt.Errorf("expected %w and no answer, got %d bytes and %w", reason, len(answer), err)
		}
		return nil
	}
}

func (t *target) begin(n int) error {
	t.initiators, t.messages, t.answers = nil, nil, nil
	for range n {
		i, err := handshake.NewInitiator(t.venue, t.certificate, handshake.InitiatorOptions{Kind: handshake.Open})
		if err != nil {
			return err
		}
		t.initiators = append(t.initiators, i)
	}
	return nil
}

// write makes the next first message.
func (t *target) write() error {
	message, err := t.initiators[len(t.messages)].Message()
	t.messages = append(t.messages, message)
	return err
}

func (t *target) writeAll() error { return t.repeat(t.write) }

// answer answers the next first message.
func (t *target) answer() error {
	answer, err := t.respond(t.messages[len(t.answers)])
	t.answers = append(t.answers, answer)
	return err
}

func (t *target) answerAll() error { return t.repeat(t.answer) }

// finish reads the last answer that was not read.
func (t *target) finish() error {
	last := len(t.answers) - 1
	established, err := t.initiators[last].Finish(t.answers[last])
	t.answers = t.answers[:last]
	if err != nil {
		return err
	}
	established.Wipe()
	return nil
}

func (t *target) repeat(step func() error) error {
	for range t.initiators {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// spoil returns a first message with another last byte of its sealed payload.
func spoil(message []byte) []byte {
	out := append([]byte(nil), message...)
	out[len(out)-2*macSize-1] ^= 1
	return out
}

// remac gives a first message its outer MAC, as everybody can who has the
// descriptor (docs/spec/handshake.md).
func remac(v *handshake.Venue, message []byte) []byte {
	key := domain.Hash(domain.HandshakeMAC, v.Digest[:], v.Static.Bytes())
	h, err := blake2s.New128(key[:])
	if err != nil {
		panic(err) // 32 bytes are a key
	}
	end := len(message) - 2*macSize
	h.Write(message[:end])
	out := append([]byte(nil), message...)
	copy(out[end:], h.Sum(nil))
	return out
}
