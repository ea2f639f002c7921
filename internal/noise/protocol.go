package noise

import (
	"crypto/mlkem"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/zkkex/zkkex"
)

const (
	// MaxMessage is the longest Noise message, in bytes (section 3).
	MaxMessage = 65535
	// PublicKeySize is the length of an X25519 public key, in bytes.
	PublicKeySize = 32
	// EncapsulationKeySize is the length of an ML-KEM-768 encapsulation key, in
	// bytes.
	EncapsulationKeySize = mlkem.EncapsulationKeySize768
	// CiphertextSize is the length of an ML-KEM-768 ciphertext, in bytes.
	CiphertextSize = mlkem.CiphertextSize768
	// maxName is the longest protocol name, in bytes (section 8).
	maxName = 255
)

// Key exchange sections of protocol names.
const (
	dhClassical = "25519"
	dhHybrid    = "25519+MLKEM768"
)

// Role says who of the two a peer is.
type Role uint8

// The roles.
const (
	// Initiator sends the first message.
	Initiator Role = iota
	// Responder answers it.
	Responder
)

// String returns "initiator" or "responder".
func (r Role) String() string {
	if r == Initiator {
		return "initiator"
	}
	return "responder"
}

// Protocol is a Noise protocol: pattern, key exchange, cipher and hash. It holds
// no secrets, and any number of handshakes can share it.
type Protocol struct {
	name     string
	pattern  pattern
	cipher   *cipherFunction
	hash     *hashFunction
	overhead []int
}

// ParseProtocol returns the protocol with a Noise protocol name (section 8),
// such as "Noise_IKhfs_25519+MLKEM768_AESGCM_SHA256". It knows
//
//   - the patterns of revision 34, one-way, fundamental and deferred, each with
//     psk modifiers in ascending order, with key exchange 25519;
//   - [PatternIKhfs] and [PatternIKhfsPrekey] with key exchange 25519+MLKEM768;
//   - the ciphers AESGCM and ChaChaPoly;
//   - the hashes SHA256, SHA512, BLAKE2s and BLAKE2b.
//
// Any other name gives an error wrapping [zkkex.ErrUnsupported].
func ParseProtocol(name string) (*Protocol, error) {
	if len(name) > maxName {
		return nil, unsupported("a protocol name has at most %d bytes, got %d", maxName, len(name))
	}
	parts := strings.Split(name, "_")
	if len(parts) != 5 || parts[0] != "Noise" {
		return nil, unsupported("expected Noise_pattern_exchange_cipher_hash, got %q", name)
	}
	p := &Protocol{name: name}
	var err error
	if p.pattern, err = lookUpPattern(parts[1]); err != nil {
		return nil, err
	}
	exchange := dhClassical
	if p.hybrid() {
		exchange = dhHybrid
	}
	if parts[2] != exchange {
		return nil, unsupported("pattern %s goes with key exchange %s, got %q", parts[1], exchange, parts[2])
	}
	i := slices.IndexFunc(cipherFunctions, func(f cipherFunction) bool { return f.name == parts[3] })
	j := slices.IndexFunc(hashFunctions, func(f hashFunction) bool { return f.name == parts[4] })
	if i < 0 || j < 0 {
		return nil, unsupported("expected cipher AESGCM or ChaChaPoly and hash SHA256, SHA512, BLAKE2s or BLAKE2b, got %q", name)
	}
	p.cipher, p.hash = &cipherFunctions[i], &hashFunctions[j]
	p.overhead = p.pattern.overheads()
	return p, nil
}

// String returns the protocol's name.
func (p *Protocol) String() string { return p.name }

// Messages returns the number of handshake messages.
func (p *Protocol) Messages() int { return len(p.pattern.messages) }

// Overhead returns how many bytes handshake message i, counted from 0, is longer
// than its payload. It panics if the protocol has no such message.
func (p *Protocol) Overhead(i int) int { return p.overhead[i] }

func (p *Protocol) hybrid() bool { return p.pattern.count(tokenE1) > 0 }

// lookUpPattern returns the pattern of a name's second section: a pattern of the
// table, or a classical one with psk modifiers.
func lookUpPattern(name string) (pattern, error) {
	if notation, ok := patterns[name]; ok {
		return parsePattern(notation), nil
	}
	base, modifiers, ok := strings.Cut(name, "psk")
	notation, known := patterns[base]
	if !ok || !known || strings.Contains(base, "hfs") {
		return pattern{}, unsupported("unknown handshake pattern %q", name)
	}
	places, err := parsePlaces("psk" + modifiers)
	if err != nil {
		return pattern{}, err
	}
	p, err := parsePattern(notation).withPSKs(places)
	if err != nil {
		return pattern{}, unsupported("%s: %w", name, err)
	}
	return p, nil
}

// parsePlaces reads psk modifiers, such as "psk0+psk2". One digit is enough: no
// pattern has more than four messages.
func parsePlaces(modifiers string) (places []int, err error) {
	for modifier := range strings.SplitSeq(modifiers, "+") {
		digit, ok := strings.CutPrefix(modifier, "psk")
		place, err := strconv.ParseUint(digit, 10, 8)
		if !ok || err != nil || len(digit) != 1 {
			return nil, unsupported("expected a modifier such as psk0, got %q", modifier)
		}
		if len(places) > 0 && int(place) <= places[len(places)-1] {
			return nil, unsupported("expected psk modifiers in ascending order, got %q", modifiers)
		}
		places = append(places, int(place))
	}
	return places, nil
}

// overheads returns the length of each message with an empty payload.
func (p pattern) overheads() []int {
	sizes := make([]int, len(p.messages))
	keyed := false
	for i, message := range p.messages {
		for _, t := range message {
			sizes[i] += t.size(keyed)
			keyed = keyed || t.mixesKey(p.count(tokenPSK) > 0)
		}
		sizes[i] += tagSize(keyed)
	}
	return sizes
}

// size returns how many bytes the token puts into a message, if keyed says
// whether there is a key to seal with.
func (t token) size(keyed bool) int {
	switch t {
	case tokenE:
		return PublicKeySize
	case tokenS:
		return PublicKeySize + tagSize(keyed)
	case tokenE1:
		return EncapsulationKeySize + tagSize(keyed)
	case tokenEKEM1, tokenSKEM1:
		return CiphertextSize + tagSize(keyed)
	}
	return 0
}

// mixesKey reports whether there is a key after the token. With pre-shared keys
// ephemeral keys are mixed in too (section 9.2).
func (t token) mixesKey(psk bool) bool {
	return t != tokenS && t != tokenE1 && (t != tokenE || psk)
}

func tagSize(keyed bool) int {
	if keyed {
		return TagSize
	}
	return 0
}

func unsupported(detail string, args ...any) error {
	return fmt.Errorf("noise: "+detail+": %w", append(args, zkkex.ErrUnsupported)...)
}
