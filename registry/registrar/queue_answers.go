package registrar

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/zkkex/zkkex/enrolment"
)

// MaxAnswers bounds the requests that wait at a time with one challenge. A
// member sends one; a few allow for a second key, or a second try.
const MaxAnswers = 4

// ErrChallengeUsed reports that [MaxAnswers] requests wait that answer the same
// challenge.
var ErrChallengeUsed = errors.New("the enrolment challenge is used up")

// checkAnswers returns [ErrChallengeUsed] if no further answer to a challenge
// can wait. The caller holds the lock.
func (q *Queue) checkAnswers(c enrolment.Challenge) error {
	waiting := make(map[RequestID][32]byte)
	answers := 0
	for _, state := range []State{Pending, Approved} {
		ids, err := q.ids(state)
		if err != nil {
			return err
		}
		for _, id := range ids {
			nonce, known := q.nonces[id]
			if !known {
				if nonce, err = q.nonce(state, id); err != nil {
					return err
				}
			}
			if waiting[id] = nonce; nonce == c.Nonce {
				answers++
			}
		}
	}
	q.nonces = waiting
	if answers >= MaxAnswers {
		return fmt.Errorf("%w: %d requests that answer it wait; ask for a new challenge", ErrChallengeUsed, answers)
	}
	return nil
}

// nonce returns the nonce of the challenge that a waiting request answers, or
// zeros if the request is damaged or gone, which answers none.
func (q *Queue) nonce(state State, id RequestID) (nonce [32]byte, err error) {
	text, err := readBounded(q.file(state, id), enrolment.MaxRequestText)
	if errors.Is(err, fs.ErrNotExist) {
		return nonce, nil
	}
	if err != nil {
		return nonce, err
	}
	r, err := enrolment.Parse(text)
	if err != nil {
		return nonce, nil // List names it
	}
	return r.Answers().Nonce, nil
}
