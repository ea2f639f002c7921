// Package descriptor is what a venue says about itself: who it is, which
// registry and parameters it admits by, which root and limit an epoch has, and
// the short-lived keys that first messages are sealed to.
//
// # A log of descriptors
//
// A venue has one long-term [Identity]. With it, it signs [Descriptor] after
// descriptor, numbered from 1, each naming the digest of the one before. They
// are the records of an append-only log (RFC 6962, C2SP checkpoints and tiles)
// that witnesses can cosign, so that the venue cannot show one client something
// it does not show all.
//
// # Two sides
//
// A venue keeps a [Store], which issues the next descriptor, keeps the private
// prekeys and never signs two different descriptors under one number. A client
// keeps a [Chain], which checks each descriptor against those before, and keeps
// evidence if they contradict one another; a [Policy] says what the client
// accepts at all.
//
// The format and every rule are in docs/spec/descriptor.md.
package descriptor

import (
	"fmt"

	"github.com/zkkex/zkkex"
)

// Format names, for errors.
const (
	identityFormat   = "venue identity"
	keyFormat        = "venue key"
	descriptorFormat = "venue descriptor"
	chainFormat      = "venue chain file"
	prekeyFormat     = "venue prekey file"
	signerFormat     = "venue identity key file"
)

func malformed(format, msg string, args ...any) error {
	return &zkkex.ParseError{Format: format, Err: fmt.Errorf(msg, args...)}
}
