package venue

import (
	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/handshake"
)

// HandshakeStatus counts what became of connections, at all listeners since the
// venue was opened, also at those that are closed.
type HandshakeStatus struct {
	// Accepted is the number of connections, and Refused those that were closed
	// at once, because there were too many handshakes, in all or of one address.
	Accepted uint64 `json:"accepted"`
	Refused  uint64 `json:"refused"`
	// TimedOut and Failed are handshakes that came to nothing.
	TimedOut uint64 `json:"timed_out"`
	Failed   uint64 `json:"failed"`
	// Admitted are handshakes that admitted a certificate, and Opened those that
	// opened a channel.
	Admitted uint64 `json:"admitted"`
	Opened   uint64 `json:"opened"`
	// UnderWay is how many handshakes there are now, and Channels how many channels.
	UnderWay int `json:"under_way"`
	Channels int `json:"channels"`
	// Messages are first messages, by whatever way they came.
	Messages MessageStatus `json:"messages"`
}

// MessageStatus counts what became of first messages: each counts in Received, and
// once more. See [handshake.Stats], in the order of whose checks the drops are.
type MessageStatus struct {
	Received uint64 `json:"received"`

	// Dropped, before anything was computed with a secret.
	Malformed  uint64 `json:"malformed"` // length, version or type
	WrongSuite uint64 `json:"wrong_suite"`
	RateLimit  uint64 `json:"rate_limit"`
	HalfOpen   uint64 `json:"half_open"`
	Replayed   uint64 `json:"replayed"`
	WrongMAC   uint64 `json:"wrong_mac"`
	// Answered with a fixed answer.
	UnknownDescriptor uint64 `json:"unknown_descriptor"`
	Cookies           uint64 `json:"cookies"`
	// Dropped, after a DH or more.
	Unauthentic  uint64 `json:"unauthentic"`
	WrongPayload uint64 `json:"wrong_payload"`

	// Rejected counts refusals by their reason, and Undecided the questions that
	// could not be answered.
	Rejected  map[zkkex.Reason]uint64 `json:"rejected"`
	Undecided uint64                  `json:"undecided"`

	// Admitted, Opened and Early are those that were told yes; Early is a part of
	// Opened.
	Admitted uint64 `json:"admitted"`
	Opened   uint64 `json:"opened"`
	Early    uint64 `json:"early"`
}

// VerificationStatus counts what the pool of verifiers did, since the venue was
// opened. See [verifier.PoolStats].
type VerificationStatus struct {
	// Waiting is the number of proofs in the queue now, and Suspects that of sources
	// that are remembered for a bad proof.
	Waiting  int `json:"waiting"`
	Suspects int `json:"suspects"`
	// Queued is the number of proofs; of these Batched were in Batches of two or
	// more, of which Bisected had a bad one in them.
	Queued   uint64 `json:"queued"`
	Batches  uint64 `json:"batches"`
	Batched  uint64 `json:"batched"`
	Bisected uint64 `json:"bisected"`
	// Refused are bad proofs, Busy those that found no room or waited too long, and
	// Canceled those that nobody waited for any more.
	Refused  uint64 `json:"refused"`
	Busy     uint64 `json:"busy"`
	Canceled uint64 `json:"canceled"`
}

// handshakeStatus returns the sums, nil if the venue takes nobody's sessions.
func (v *Venue) handshakeStatus() *HandshakeStatus {
	if v.gate.config.Store == nil {
		return nil
	}
	r := &v.responds
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &HandshakeStatus{}
	for _, l := range r.listeners {
		s.add(l.Stats())
	}
	if r.made != nil { // one for all listeners
		s.Messages = MessageStatus(r.made.Stats())
	}
	if s.Messages.Rejected == nil {
		s.Messages.Rejected = map[zkkex.Reason]uint64{}
	}
	return s
}

func (s *HandshakeStatus) add(l handshake.ListenerStats) {
	s.Accepted += l.Accepted
	s.Refused += l.Refused
	s.TimedOut += l.TimedOut
	s.Failed += l.Failed
	s.Admitted += l.Admitted
	s.Opened += l.Opened
	s.UnderWay += l.Handshakes
	s.Channels += l.Channels
}

// verificationStatus returns the pool's counters, nil if there is none.
func (v *Venue) verificationStatus() *VerificationStatus {
	if v.gate.config.Pool == nil {
		return nil
	}
	s := VerificationStatus(v.gate.config.Pool.Stats())
	return &s
}
