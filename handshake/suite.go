package handshake

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/noise"
	"github.com/zkkex/zkkex/internal/record"
)

// Suite is one of the Noise protocols that a handshake runs.
type Suite struct {
	id       uint16
	protocol *noise.Protocol
	record   record.Suite
	prekey   bool
}

// suiteNames has the suite with number n at n-1. Numbers are never reused.
var suiteNames = [...]string{
	"Noise_IKhfs_25519+MLKEM768_AESGCM_SHA256",
	"Noise_IKhfs_25519+MLKEM768_AESGCM_BLAKE2s",
	"Noise_IKhfs_25519+MLKEM768_ChaChaPoly_SHA256",
	"Noise_IKhfs_25519+MLKEM768_ChaChaPoly_BLAKE2s",
	"Noise_IKhfs+skem1_25519+MLKEM768_AESGCM_SHA256",
	"Noise_IKhfs+skem1_25519+MLKEM768_AESGCM_BLAKE2s",
	"Noise_IKhfs+skem1_25519+MLKEM768_ChaChaPoly_SHA256",
	"Noise_IKhfs+skem1_25519+MLKEM768_ChaChaPoly_BLAKE2s",
}

// suites are those of suiteNames, in the same order.
var suites = sync.OnceValue(func() []*Suite {
	out := make([]*Suite, 0, len(suiteNames))
	for i, name := range suiteNames {
		protocol, err := noise.ParseProtocol(name)
		if err != nil {
			panic("handshake: " + err.Error()) // the table above names what package noise has
		}
		s := &Suite{id: uint16(i + 1), protocol: protocol, record: record.AES256GCM, prekey: strings.Contains(name, noise.PatternIKhfsPrekey)}
		if strings.Contains(name, "_ChaChaPoly_") {
			s.record = record.ChaCha20Poly1305
		}
		out = append(out, s)
	}
	return out
})

// ParseSuite returns the suite with a Noise protocol name. It returns an error
// wrapping [zkkex.ErrUnsupported] if there is none.
func ParseSuite(name string) (*Suite, error) {
	i := slices.Index(suiteNames[:], name)
	if i < 0 {
		return nil, fmt.Errorf("handshake: %w suite %q, expected one of those in docs/spec/handshake.md", zkkex.ErrUnsupported, name)
	}
	return suites()[i], nil
}

// suiteByID returns the suite with a number, or nil.
func suiteByID(id uint16) *Suite {
	if id == 0 || int(id) > len(suiteNames) {
		return nil
	}
	return suites()[id-1]
}

// ID returns the suite's number in the clear header.
func (s *Suite) ID() uint16 { return s.id }

// String returns the Noise protocol name.
func (s *Suite) String() string { return s.protocol.String() }

// EarlyData reports whether message 1 can carry application data: it is then
// sealed to an ML-KEM prekey of the venue as well.
func (s *Suite) EarlyData() bool { return s.prekey }
