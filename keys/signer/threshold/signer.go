// Package threshold makes a threshold group a signer: threshold:DIR, where DIR is a
// member's folder of package [github.com/zkkex/zkkex/threshold]. A signature is a
// session with the threshold's number of participants, who each consent.
package threshold

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/keys/signer"
	"github.com/zkkex/zkkex/threshold"
)

func init() {
	signer.Register(signer.Scheme{
		Name:      "threshold",
		Usage:     "threshold:DIR, a member's folder of a threshold group: t of n participants sign, and nobody holds the key",
		Example:   "threshold:/home/mm/group",
		Available: true,
	}, open)
}

// group is a member's folder as a signer.
type group struct {
	dir    *threshold.Dir
	public []byte
	name   string
	tell   func(text string)
	closed atomic.Bool
}

func open(_ context.Context, rest string, o *signer.Options) (signer.Signer, error) {
	d, err := threshold.Open(rest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", signer.ErrNoDevice, err)
	}
	if err != nil {
		return nil, err
	}
	d.Dial = o.Dial
	status, err := d.Status()
	if err != nil {
		return nil, err
	}
	if status.Group == nil {
		return nil, fmt.Errorf("%w: %s: %w", signer.ErrNoKey, rest, threshold.ErrNoGroup)
	}
	key := status.Group.Key()
	return &group{
		dir: d, public: key[:],
		name: fmt.Sprintf("threshold group %x, %d of %d", key[:4], status.Setup.Threshold, len(status.Setup.Participants)),
		tell: func(text string) { o.Tell("%s", text) },
	}, nil
}

// KeyType returns [zkkex.KeyEdDSA].
func (g *group) KeyType() zkkex.KeyType { return zkkex.KeyEdDSA }

// Envelope returns [envelope.EdDSA].
func (g *group) Envelope() envelope.Kind { return envelope.EdDSA }

// PublicKey returns the group's key.
func (g *group) PublicKey() []byte { return append([]byte(nil), g.public...) }

// Name says which group it is.
func (g *group) Name() string { return g.name }

// Sign runs a signing session. It returns an error wrapping [signer.ErrRefused] if a
// participant whose share was needed said no, and the errors of
// [threshold.Dir.Sign].
func (g *group) Sign(ctx context.Context, m *envelope.Message) (*signer.Signature, error) {
	if g.closed.Load() {
		return nil, signer.ErrClosed
	}
	signed, err := g.dir.Sign(ctx, m, g.tell)
	if errors.Is(err, threshold.ErrRefused) {
		return nil, fmt.Errorf("%w: %w", signer.ErrRefused, err)
	}
	if err != nil {
		return nil, err
	}
	if err := envelope.EdDSA.Verify(zkkex.KeyEdDSA, g.public, m, signed.Signature); err != nil {
		return nil, fmt.Errorf("%w: %w", signer.ErrBadSignature, err)
	}
	return &signer.Signature{PublicKey: g.PublicKey(), Bytes: signed.Signature}, nil
}

// Close lets nothing be signed any more. It may be called twice.
func (g *group) Close() error {
	g.closed.Store(true)
	return nil
}
