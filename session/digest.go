package session

import (
	"encoding/hex"
	"errors"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/domain"
)

// Digest identifies a session certificate: its statement and its session key.
// The proof's bytes are no part of it, because anybody can re-randomise them
// and the certificate stays the same one.
type Digest [32]byte

// String returns the value as 64 lower-case hexadecimal digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// DigestOf returns the digest of a certificate. It returns an error wrapping
// [zkkex.ErrMalformed] if the presentation authorises no session key.
func DigestOf(p *zkkex.Presentation) (Digest, error) {
	if p.Authorization.Kind != zkkex.AuthorizeSession {
		return Digest{}, &zkkex.ParseError{Format: "session certificate", Err: errors.New("it authorises a " + p.Authorization.Kind.String() + ", expected a session key")}
	}
	statement, err := p.Statement.AppendBinary(nil)
	if err != nil {
		return Digest{}, err
	}
	return domain.Hash(domain.Certificate, statement, p.Authorization.Value[:]), nil
}
