package handshake

import (
	"slices"
	"time"

	"github.com/zkkex/zkkex/internal/record"
	"github.com/zkkex/zkkex/session"
)

// Established is what an initiator has once the responder has said yes. It does
// not print.
type Established struct {
	silent
	// Kind is what was asked for. An [Admit] opens no channel.
	Kind Kind
	// Suite is what was spoken.
	Suite *Suite
	// Counter is the open counter that was used.
	Counter uint32
	// Certificate is the digest of the certificate.
	Certificate session.Digest
	// Venue is the venue's identity, Descriptor the number of the descriptor.
	Venue      [32]byte
	Descriptor uint64
	// Generation is the venue's, as it says.
	Generation uint32
	// Until is until when the channel may live, as the venue says.
	Until time.Time

	channel *channel
}

// Transcript returns the transcript hash, which is the same for both peers and
// covers both identities and every message. It is not secret.
func (e *Established) Transcript() []byte { return slices.Clone(e.channel.transcript) }

// Session hands the channel's secret over, once. Any record that it seals shows
// the responder that this handshake was no replay: send one soon, an empty one if
// there is nothing to say. It returns [ErrUsed] the second time and for an
// admission, and an error wrapping [record.ErrConfig].
func (e *Established) Session(o ChannelOptions) (*record.Session, error) {
	return e.channel.session(o)
}

// Wipe forgets the channel's secret.
func (e *Established) Wipe() { e.channel.wipe() }
