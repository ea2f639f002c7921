package threshold

import (
	"crypto/ed25519"
	"fmt"

	"github.com/zkkex/zkkex/threshold/frost"
)

// sender identifies a member in messages: a participant's identifier, or
// firstRequester plus a requester's place in the setup.
type sender uint16

const firstRequester sender = 0x8000

// participant returns the participant's identifier, or 0.
func (s sender) participant() frost.Identifier {
	if s >= firstRequester {
		return 0
	}
	return frost.Identifier(s)
}

// member returns who the sender is.
func (s *Setup) member(from sender) (Member, error) {
	list, at := s.Participants, int(from)-1
	if from >= firstRequester {
		list, at = s.Requesters, int(from-firstRequester)
	}
	if at < 0 || at >= len(list) {
		return Member{}, fmt.Errorf("%w: no member %d", ErrSender, from)
	}
	return list[at], nil
}

// find returns the sender with the key.
func (s *Setup) find(key ed25519.PublicKey) (sender, error) {
	for i, m := range s.Participants {
		if m.Key.Equal(key) {
			return sender(i + 1), nil
		}
	}
	for i, m := range s.Requesters {
		if m.Key.Equal(key) {
			return firstRequester + sender(i), nil
		}
	}
	return 0, ErrStranger
}

// fault names a sender.
func (s *Setup) fault(from sender, err error) error {
	m, unknown := s.member(from)
	if unknown != nil {
		return unknown
	}
	return &Fault{ID: from.participant(), Name: m.Name, Err: err}
}

// faultf is fault with a text.
func (s *Setup) faultf(from sender, err error, text string, args ...any) error {
	return s.fault(from, fmt.Errorf("%w: %s", err, fmt.Sprintf(text, args...)))
}
