package mailbox

import (
	"context"
	"errors"
	"time"
)

// Sizes, in bytes. Nothing may be empty.
const (
	// MaxMessage is the longest message: a handshake's first one fits, with early
	// data.
	MaxMessage = 16 << 10
	// MaxAnswer is the longest answer.
	MaxAnswer = 64 << 10
)

var (
	// ErrNoAnswer reports that there is no answer: not yet, or never. A mailbox
	// does not tell which, nor whether it knows the message.
	ErrNoAnswer = errors.New("no answer: ask again later")
	// ErrFull reports a mailbox that keeps as much as it may. Post again later.
	ErrFull = errors.New("the mailbox is full: post again later")
	// ErrBusy reports that this address asked too often.
	ErrBusy = errors.New("too many requests: try again later")
	// ErrTaken reports an identifier under which another message, or another
	// answer, is kept.
	ErrTaken = errors.New("another one is kept under this identifier")
)

// Mailbox is a member's side of a mailbox.
type Mailbox interface {
	// Post leaves a message, of 1 to [MaxMessage] bytes, and returns what its
	// answer can be asked for with. It returns an error wrapping
	// [zkkex.ErrMalformed] for other sizes, or [ErrFull].
	Post(ctx context.Context, message []byte) (ID, error)
	// Answer returns the answer, every time it is asked for. It returns an error
	// wrapping [ErrNoAnswer] if there is none.
	Answer(ctx context.Context, id ID) ([]byte, error)
}

// Wait asks for an answer, at growing intervals from first to a minute, until
// there is one or ctx ends. It returns ctx's error beside [ErrNoAnswer] then, and
// other errors of the mailbox at once.
func Wait(ctx context.Context, m Mailbox, id ID, first time.Duration) ([]byte, error) {
	for pause := first; ; pause = min(2*pause, time.Minute) {
		answer, err := m.Answer(ctx, id)
		if !errors.Is(err, ErrNoAnswer) {
			return answer, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), err)
		case <-time.After(pause):
		}
	}
}

// checkSize returns an error unless b has 1 to most bytes.
func checkSize(what string, b []byte, most int) error {
	if len(b) == 0 || len(b) > most {
		return malformed(what, "%d bytes, expected 1 to %d", len(b), most)
	}
	return nil
}
