package venueclient

import (
	"crypto/ecdh"
	"crypto/mlkem"
	"fmt"
	"slices"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// Handshake returns what a handshake takes of a descriptor, with the suite that
// the client chose, as [descriptor.Policy.Check] does. It returns an error wrapping
// [zkkex.ErrRejected], with the reason [descriptor.WeakSuite], if the venue does
// not offer the suite, and [zkkex.ErrUnsupported] if this version does not know it.
func Handshake(d *descriptor.Signed, suite descriptor.Suite) (*handshake.Venue, error) {
	if !slices.Contains(d.Suites, suite) {
		return nil, zkkex.Reject(descriptor.WeakSuite, "descriptor %d offers %v, expected %s among them", d.Number, d.Suites, suite)
	}
	security := suite.Security()
	if security == descriptor.UnknownSecurity {
		return nil, fmt.Errorf("%w: suite %.80q, expected one of %v", zkkex.ErrUnsupported, suite, descriptor.Suites())
	}
	v := &handshake.Venue{
		ID: d.Venue, Number: d.Number, Digest: d.Digest(), Suite: string(suite),
		Padding: d.Padding, MaxOpens: d.MaxOpens,
	}
	var err error
	if v.Static, err = ecdh.X25519().NewPublicKey(d.Prekeys.X25519[:]); err != nil {
		return nil, fmt.Errorf("prekey of descriptor %d: %w", d.Number, err)
	}
	if security != descriptor.HybridPrekey {
		return v, nil
	}
	if v.Prekey, err = mlkem.NewEncapsulationKey768(d.Prekeys.MLKEM768); err != nil {
		return nil, fmt.Errorf("prekey of descriptor %d: %w", d.Number, err)
	}
	return v, nil
}
