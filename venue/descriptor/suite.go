package descriptor

import "strings"

// Suite is what a handshake runs: a Noise protocol name (revision 34, section
// 8), which is in the handshake's transcript.
type Suite string

// Security orders suites by what they protect.
type Security int

// Levels of security, ascending.
const (
	// UnknownSecurity is that of a suite this version does not know.
	UnknownSecurity Security = iota
	// Hybrid: X25519 and ephemeral ML-KEM-768. The session stays confidential
	// while either holds; message 1 itself only while X25519 does.
	Hybrid
	// HybridPrekey: message 1 is also sealed to the venue's ML-KEM-768 prekey.
	// Only such suites may carry early data.
	HybridPrekey
)

// String returns "unknown", "hybrid" or "hybrid with prekey".
func (s Security) String() string {
	switch s {
	case Hybrid:
		return "hybrid"
	case HybridPrekey:
		return "hybrid with prekey"
	default:
		return "unknown"
	}
}

// Suites lists the suites this version knows, the preferred ones first.
func Suites() []Suite {
	var out []Suite
	for _, exchange := range []string{"IKhfs+skem1", "IKhfs"} {
		for _, symmetric := range []string{"AESGCM_SHA256", "ChaChaPoly_BLAKE2s", "AESGCM_BLAKE2s", "ChaChaPoly_SHA256"} {
			out = append(out, Suite("Noise_"+exchange+"_25519+MLKEM768_"+symmetric))
		}
	}
	return out
}

// Security returns the suite's level.
func (s Suite) Security() Security {
	for _, known := range Suites() {
		if s != known {
			continue
		}
		if strings.Contains(string(s), "+skem1_") {
			return HybridPrekey
		}
		return Hybrid
	}
	return UnknownSecurity
}

// maxSuite is the longest protocol name, in bytes (Noise, section 8).
const maxSuite = 255

// check returns an error unless the suite has the form of a protocol name.
// Unknown ones are allowed: a venue can offer a new suite beside an old one.
func (s Suite) check() error {
	if len(s) > maxSuite || !strings.HasPrefix(string(s), "Noise_") {
		return malformed(descriptorFormat, "suite %.60q, expected a Noise protocol name of at most %d bytes", string(s), maxSuite)
	}
	for _, c := range []byte(s) {
		if !alphanumeric(c) && c != '_' && c != '+' && c != '/' {
			return malformed(descriptorFormat, "suite %q, expected letters, digits, _, + and / alone", string(s))
		}
	}
	return nil
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
