// Package session holds session certificates: proofs, made ahead, each of which
// authorises one fresh session key, and with it a handshake at a venue.
//
// A [Certificate] is a presentation together with the private session key that
// it authorises. Whoever shows it says: some member of the registry, within its
// limit for this epoch, opens this session. Its validity follows from the epoch
// alone, the same for everybody.
//
// A [Pool] makes certificates for one venue before they are needed, has them
// admitted at moments that tell nothing, and hands each out once: for a session
// that nobody can link to another. Whoever opens one certificate again links the
// two sessions, by choice.
package session

import (
	"crypto/ecdh"
	"crypto/subtle"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zkkex/zkkex"
)

var (
	// ErrKey reports a private key that is not the one the presentation
	// authorises.
	ErrKey = errors.New("not the session key of the certificate")
	// ErrOpensUsed reports a certificate that was opened as often as the venue
	// allows. Take a fresh one.
	ErrOpensUsed = errors.New("all opens of the certificate are used: take a fresh one")
)

// Certificate is a session certificate with its private session key. It is safe
// for concurrent use, must not be copied, and does not print.
type Certificate struct {
	silent

	presentation *zkkex.Presentation
	digest       Digest
	ends         time.Time
	admitted     atomic.Bool

	mu     sync.Mutex
	key    *ecdh.PrivateKey
	opens  uint32
	shared []shared
}

// New returns a certificate of a presentation and the X25519 key it authorises.
// The presentation must not be changed after it. New returns an error wrapping
// [ErrKey], or [zkkex.ErrMalformed] if it authorises something else or its epoch
// is none.
func New(p *zkkex.Presentation, key *ecdh.PrivateKey) (*Certificate, error) {
	digest, err := DigestOf(p)
	if err != nil {
		return nil, err
	}
	if key.Curve() != ecdh.X25519() || subtle.ConstantTimeCompare(key.PublicKey().Bytes(), p.Authorization.Value[:]) != 1 {
		return nil, fmt.Errorf("session: %w", ErrKey)
	}
	ends, err := p.Epoch.End()
	if err != nil {
		return nil, &zkkex.ParseError{Format: "session certificate", Err: err}
	}
	return &Certificate{presentation: p, key: key, digest: digest, ends: ends}, nil
}

// Presentation returns what the venue gets to see. It must not be changed.
func (c *Certificate) Presentation() *zkkex.Presentation { return c.presentation }

// Key returns the private session key, or nil after [Certificate.Wipe].
func (c *Certificate) Key() *ecdh.PrivateKey {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.key
}

// Wipe forgets the private session key. The standard library does not let
// anybody overwrite it: its memory is free to be used again, no more.
func (c *Certificate) Wipe() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.key = nil
	clear(c.shared)
	c.shared = nil
}

// Digest returns what the venue knows the certificate by once it is admitted.
func (c *Certificate) Digest() Digest { return c.digest }

// Ends returns the end of the certificate's epoch.
func (c *Certificate) Ends() time.Time { return c.ends }

// Admitted reports whether the venue is known to have admitted the certificate.
// If not, it is to be shown inline with the first open.
func (c *Certificate) Admitted() bool { return c.admitted.Load() }

// MarkAdmitted notes that the venue said yes to the certificate.
func (c *Certificate) MarkAdmitted() { c.admitted.Store(true) }

// TakeOpen returns the next open counter: 0, 1 and so on below max, each once.
// It returns [ErrOpensUsed] when there is none left.
func (c *Certificate) TakeOpen(max uint32) (uint32, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opens >= max {
		return 0, ErrOpensUsed
	}
	c.opens++
	return c.opens - 1, nil
}

// Opens returns how many open counters were taken.
func (c *Certificate) Opens() uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.opens
}
