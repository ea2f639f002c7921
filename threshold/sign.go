package threshold

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/threshold/babyjubjub"
)

// Limits of requests.
const (
	// RequestLife is how long signers may answer a request, unless its context ends
	// before.
	RequestLife = time.Hour
	// MaxRequestLife is the longest life of a request that signers answer.
	MaxRequestLife = 24 * time.Hour
)

// Signed is a signature of the group, and how it came about.
type Signed struct {
	// Signature verifies under the group's key: R, and s big-endian.
	Signature [envelope.SignatureSize]byte
	// Signers are the names of those who made it.
	Signers []string
	// Attempts is how many lists of signers were asked.
	Attempts int
	// Faults are the [Fault]s of those who lied, refused or are of another
	// generation.
	Faults []error
}

// Sign asks the group's participants for a signature on a message, in the envelope
// [envelope.EdDSA], and returns it as soon as the threshold's number of them has
// signed. A participant asks its own share without further consent. progress is
// told what happens. It returns an error wrapping [ErrTooFew] and the [Fault]s if
// too many said no or lied, [ErrNoGroup], or ctx's error.
func (d *Dir) Sign(ctx context.Context, m *envelope.Message, progress func(text string)) (*Signed, error) {
	group, own, err := d.load()
	if err != nil {
		return nil, err
	}
	board, err := d.board()
	if err != nil {
		return nil, err
	}
	digest, err := envelope.EdDSA.Digest(m)
	if err != nil {
		return nil, err
	}
	s, request, err := d.request(ctx, group, m)
	if err != nil {
		return nil, err
	}
	if err := board.Post(ctx, requestsTopic(d.setup), request.encode()); err != nil {
		return nil, err
	}
	defer d.leave(board, s, request)
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if own != nil {
		wg.Go(func() {
			answer := &signing{dir: d, board: board, request: request, approve: agree}
			if err := answer.do(ctx); err != nil && ctx.Err() == nil {
				progress(fmt.Sprintf("the own share: %v", err))
			}
		})
	}
	signed, err := d.coordinate(ctx, board, s, newCoordinator(group.public, digest), progress)
	if err != nil {
		return nil, err
	}
	key := group.Key()
	return signed, envelope.EdDSA.Verify(zkkex.KeyEdDSA, key[:], m, signed.Signature)
}

// request makes a session, and the message that begins it: the group's digest, the
// session's choice, the session's key for each participant, and what to sign.
func (d *Dir) request(ctx context.Context, group *Group, m *envelope.Message) (*session, *message, error) {
	var random [64]byte
	defer clear(random[:])
	if _, err := io.ReadFull(rand.Reader, random[:]); err != nil {
		return nil, nil, fmt.Errorf("reading randomness: %w", err)
	}
	id, key := random[:32], random[32:]
	digest := group.Digest()
	context := sessionContext(digest, d.self, [32]byte(id))
	s, err := newSession(context, key)
	if err != nil {
		return nil, nil, err
	}
	keys, err := sealKeys(group.inboxes, context, d.self, key)
	if err != nil {
		return nil, nil, err
	}
	text := &requestText{expires: time.Now().Add(RequestLife).Unix(), message: *m}
	if deadline, ok := ctx.Deadline(); ok && deadline.Unix() < text.expires {
		text.expires = deadline.Unix() + 1
	}
	sealed, err := s.seal(kindRequest, d.self, text.encode())
	if err != nil {
		return nil, nil, err
	}
	body := append(append(append(digest[:], id...), keys...), sealed...)
	return s, d.identity.seal(kindRequest, d.self, context, body), nil
}

// coordinate runs the coordinator until it has a signature.
func (d *Dir) coordinate(ctx context.Context, board Board, s *session, c *coordinator, progress func(text string)) (*Signed, error) {
	f := board.Follow(sessionTopic(s.context))
	progress(fmt.Sprintf("asking %d of %d to sign", c.group.Threshold, len(c.group.Shares)))
	for c.sig == nil {
		if err := c.failed(d.setup); err != nil {
			return nil, err
		}
		b, err := f.Next(ctx, true)
		if err != nil {
			return nil, err
		}
		m, err := d.setup.open(b)
		if err != nil || m.context != s.context || m.from.participant() == 0 || m.kind == kindPackage || m.kind == kindDone {
			continue
		}
		pack, err := d.hear(s, c, m)
		if err != nil {
			progress(d.setup.fault(m.from, err).Error())
		}
		if pack == nil {
			continue
		}
		if err := d.post(ctx, board, s, kindPackage, pack); err != nil {
			return nil, err
		}
	}
	signed := &Signed{Attempts: len(c.attempts), Faults: c.faults(d.setup)}
	copy(signed.Signature[:], c.sig.R.Bytes())
	copy(signed.Signature[babyjubjub.ElementSize:], suite().EncodeScalar(c.sig.S))
	for _, id := range c.signers {
		signed.Signers = append(signed.Signers, d.setup.Participants[id-1].Name)
	}
	return signed, nil
}

// hear opens a signer's message and hands it to the coordinator.
func (d *Dir) hear(s *session, c *coordinator, m *message) (pack []byte, err error) {
	id := m.from.participant()
	if c.out[id] != nil {
		return nil, nil
	}
	if m.kind == kindRefusal {
		return nil, c.exclude(id, refusalError(m.body))
	}
	text, err := s.open(m.kind, m.from, m.body)
	if err != nil {
		return nil, c.exclude(id, err)
	}
	return c.receive(m.kind, id, text)
}

// post seals and sends a message of the session.
func (d *Dir) post(ctx context.Context, board Board, s *session, k kind, text []byte) error {
	body, err := s.seal(k, d.self, text)
	if err != nil {
		return err
	}
	return board.Post(ctx, sessionTopic(s.context), d.identity.seal(k, d.self, s.context, body).encode())
}

// leave tells signers that the session is over, as well as it can.
func (d *Dir) leave(board Board, s *session, request *message) {
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	// Signers that do not hear of it wait until the request expires.
	_ = board.Post(ctx, sessionTopic(s.context), d.identity.seal(kindDone, d.self, s.context, nil).encode())
	_ = board.Remove(ctx, requestsTopic(d.setup), request.encode())
}

// Codes of refusals.
const (
	refusedByPerson = 1
	refusedStale    = 2
	refusedExpired  = 3
	refusedTooMany  = 4
	refusedBad      = 5
)

// refusalError returns the error that a refusal's body stands for.
func refusalError(body []byte) error {
	if len(body) != 1 {
		return fmt.Errorf("%w: a refusal", ErrBadMessage)
	}
	switch body[0] {
	case refusedByPerson:
		return ErrRefused
	case refusedStale:
		return fmt.Errorf("%w, or this folder: %w", ErrRefused, ErrStale)
	case refusedExpired:
		return fmt.Errorf("%w: %w: compare the clocks", ErrRefused, ErrExpired)
	case refusedTooMany:
		return fmt.Errorf("%w: %w", ErrRefused, ErrTooMany)
	case refusedBad:
		return fmt.Errorf("%w: it understood the request to be malformed", ErrRefused)
	default:
		return fmt.Errorf("%w: a refusal", ErrBadMessage)
	}
}

// refusalCode returns the code of an error.
func refusalCode(err error) byte {
	switch {
	case errors.Is(err, ErrStale):
		return refusedStale
	case errors.Is(err, ErrExpired):
		return refusedExpired
	case errors.Is(err, ErrTooMany):
		return refusedTooMany
	case errors.Is(err, ErrBadMessage):
		return refusedBad
	default:
		return refusedByPerson
	}
}

// agree approves what the own folder asks for.
func agree(context.Context, *Request) error { return nil }
