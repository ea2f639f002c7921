package handshake

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/zkkex/zkkex"
	transport "github.com/zkkex/zkkex/internal/channel"
	"github.com/zkkex/zkkex/internal/record"
	"github.com/zkkex/zkkex/session"
)

// The channel's own types, by names that callers can write.
type (
	// Limits tighten the channel's limits in time and volume; zero fields stand
	// for the built-in ones, and none can be loosened.
	Limits = record.Limits
	// Padding says to what length records are filled up.
	Padding = record.Padding
	// Role says who of the two a peer is.
	Role = record.Role
	// Alert is why a peer ended a channel. Find it with [errors.As] in the error
	// of Read or Write.
	Alert = record.Alert
)

// Paddings.
const (
	// PadNone pads no application data.
	PadNone = record.PadNone
	// PadBuckets fills records up to the next power of two from 64 to 16,384
	// bytes.
	PadBuckets = record.PadBuckets
)

// Alerts.
const (
	// AlertRecord: a record of the peer's was refused.
	AlertRecord = record.AlertRecord
	// AlertInternal: the sender cannot go on, by no fault of the peer's.
	AlertInternal = record.AlertInternal
	// AlertExpired: the certificate's epoch, and its grace, are over.
	AlertExpired = record.AlertExpired
	// AlertGeneration: the venue has raised its generation.
	AlertGeneration = record.AlertGeneration
	// AlertShutdown: the sender stops.
	AlertShutdown = record.AlertShutdown
	// AlertBanned: the venue has banned the pseudonym.
	AlertBanned = record.AlertBanned
)

// ErrTruncated reports a stream that ended without the peer's authenticated
// close: what was to follow is lost.
var ErrTruncated = record.ErrTruncated

// Conn is a channel between a member and a venue. It implements [net.Conn], and
// is safe for concurrent use. Read returns [io.EOF] only after the peer's
// authenticated close, and otherwise [ErrTruncated].
type Conn struct {
	channel *transport.Conn
	renewal *renewal
	early   []byte

	mu        sync.Mutex
	state     ConnectionState
	admission *Admission // the venue's record; nil on the member's side
	release   func()     // of the venue's count of channels; nil on the member's side
	ending    bool       // it was told to end now
	over      bool
	after     []func() // to be called when it is over
}

var _ net.Conn = (*Conn)(nil)

// ConnectionState is what is known of a channel. It holds no secrets.
type ConnectionState struct {
	// Role is ours.
	Role Role
	// Venue is the digest of the venue's identity keys, and Descriptor the number
	// of its descriptor that the handshake used.
	Venue      [32]byte
	Descriptor uint64
	// Suite is the Noise protocol name.
	Suite string
	// Statement is what the member's proof showed, and Epoch where its slot
	// counts. The nullifier in it is the member's pseudonym here.
	Statement zkkex.Statement
	Epoch     zkkex.Epoch
	// Certificate is the digest of the session certificate.
	Certificate session.Digest
	// Opens is the open counter: above 0, the venue knows that the same
	// certificate was opened before.
	Opens uint32
	// Renewals is how often another epoch's certificate took over. Each one links
	// two certificates.
	Renewals int
	// Ends is when the channel ends unless it is renewed.
	Ends time.Time
	// SendPhase and ReceivePhase are the key phases of the latest records, and
	// Ratchets is how many ratchets are complete.
	SendPhase, ReceivePhase uint32
	Ratchets                uint64
	// Transcript is a hash over the handshake and all ratchets: equal on both
	// sides at the same number of ratchets.
	Transcript [32]byte
}

// ConnectionState returns the present state.
func (c *Conn) ConnectionState() ConnectionState {
	c.mu.Lock()
	state := c.state
	c.mu.Unlock()
	r := c.channel.RatchetState()
	state.SendPhase, state.ReceivePhase = r.SendPhase, r.ReceivePhase
	state.Ratchets, state.Transcript = r.Generation, r.Transcript
	return state
}

// Early returns the early data that came with the first message, at a venue
// that asked for it, or nil. The venue delivers it once: that it was not
// delivered before is recorded in the venue's store.
func (c *Conn) Early() []byte { return c.early }

// Read reads what the peer wrote. See [Conn] for what its errors mean.
func (c *Conn) Read(b []byte) (int, error) { return c.channel.Read(b) }

// Write writes b in one or several records. A record that was sealed counts as
// written, and goes out with the next call if a deadline came in between.
func (c *Conn) Write(b []byte) (int, error) { return c.channel.Write(b) }

// Close ends both directions, authenticated.
func (c *Conn) Close() error { return c.channel.Close() }

// CloseWrite ends our direction, authenticated. The peer reads [io.EOF] after
// what was written, and can go on writing.
func (c *Conn) CloseWrite() error { return c.channel.CloseWrite() }

// Abort ends both directions with an alert: the peer's Read returns it behind what
// was written, and never [io.EOF]. A forwarder that lost one side says so to the
// other with it.
func (c *Conn) Abort(a Alert) error { return c.channel.Abort(a) }

// LocalAddr returns the local address of the connection below.
func (c *Conn) LocalAddr() net.Addr { return c.channel.LocalAddr() }

// RemoteAddr returns the remote address of the connection below.
func (c *Conn) RemoteAddr() net.Addr { return c.channel.RemoteAddr() }

// SetDeadline sets the deadlines of Read and Write.
func (c *Conn) SetDeadline(t time.Time) error { return c.channel.SetDeadline(t) }

// SetReadDeadline sets the deadline of Read.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.channel.SetReadDeadline(t) }

// SetWriteDeadline sets the deadline of Write.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.channel.SetWriteDeadline(t) }

// Ratchet asks for fresh keys as soon as possible. It returns at once; traffic
// goes on meanwhile.
func (c *Conn) Ratchet() { c.channel.Ratchet() }

// Export returns a key of length bytes for another use, bound to this channel:
// both peers get the same one for the same label and context (as RFC 8446,
// section 7.5).
func (c *Conn) Export(label string, context []byte, length int) ([]byte, error) {
	return c.channel.Export(label, context, length)
}

// Done returns a channel that is closed when the Conn has ended.
func (c *Conn) Done() <-chan struct{} { return c.channel.Done() }

// errNotMember reports a renewal asked for on the venue's side.
var errNotMember = errors.New("handshake: only the member's side renews")

// Renew presents the certificate of another epoch in the live channel, which then
// outlives its own: the venue learns that both certificates are one member's.
// The descriptor is the venue's present one. It returns an error wrapping
// [zkkex.ErrRejected] with the venue's reason, and then the channel goes on until
// its end as before.
func (c *Conn) Renew(ctx context.Context, v *Venue, cert *session.Certificate) error {
	if c.renewal.venue != nil {
		return errNotMember
	}
	return c.renewal.ask(ctx, v, cert)
}

// ended is called once, when the channel has ended.
func (c *Conn) ended() {
	c.mu.Lock()
	c.over = true
	after := c.after
	c.after = nil
	release := c.release
	c.release = nil
	c.mu.Unlock()
	if release != nil {
		release()
	}
	for _, f := range after {
		f()
	}
}

// onEnd has f called when the channel has ended, or now if it has.
func (c *Conn) onEnd(f func()) {
	c.mu.Lock()
	over := c.over
	if !over {
		c.after = append(c.after, f)
	}
	c.mu.Unlock()
	if over {
		f()
	}
}

// end ends the channel now, with an alert that says why. A renewal that is being
// answered does not move that.
func (c *Conn) end(a Alert) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ending = true
	c.channel.SetEnd(time.Unix(1, 0), a)
}

// setEnd moves the end of the channel, unless it is told to end now. The mutex is
// the caller's.
func (c *Conn) setEnd(t time.Time) {
	if !c.ending {
		c.channel.SetEnd(t, AlertExpired)
	}
}

// watch ends a channel of no listener when its gate does not let it live.
func (c *Conn) watch(config *ServerConfig) {
	tick := time.NewTicker(liveInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			c.checkLive(config)
		case <-c.Done():
			return
		}
	}
}

// checkLive ends a channel at a venue that its gate does not let live.
func (c *Conn) checkLive(config *ServerConfig) {
	_, err := config.Gate.Live(c.present(), config.Now())
	switch {
	case err == nil:
	case isReason(err, WrongGeneration):
		c.end(AlertGeneration)
	case isReason(err, Banned):
		c.end(AlertBanned)
	case errors.Is(err, zkkex.ErrRejected):
		c.end(AlertExpired)
	}
}

// present returns the venue's record of the certificate that the channel counts
// under.
func (c *Conn) present() *Admission {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.admission
}

// releaseWith has release called when the channel has ended, or now if it has, in
// place of what was to be called before.
func (c *Conn) releaseWith(release func()) {
	c.mu.Lock()
	over := c.over
	if !over {
		c.release = release
	}
	c.mu.Unlock()
	if over && release != nil {
		release()
	}
}

// switchTo counts the channel as one of another certificate, and not as one of
// the present one any more.
func (c *Conn) switchTo(a *Admission, gate Gate) error {
	release, err := gate.Acquire(a)
	if err != nil {
		return err
	}
	c.mu.Lock()
	before := c.release
	if c.over {
		before = release
	} else {
		c.release, c.admission = release, a
	}
	c.mu.Unlock()
	if before != nil {
		before()
	}
	return nil
}

// isReason reports whether err is a rejection for a reason.
func isReason(err error, reason zkkex.Reason) bool {
	var reject *zkkex.RejectError
	return errors.As(err, &reject) && reject.Reason == reason
}
