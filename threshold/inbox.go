package threshold

import (
	"crypto/hpke"

	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/threshold/frost"
)

// An inbox is the key to which a participant is sent secrets in one generation:
// HPKE (RFC 9180) with X25519 and ML-KEM-768 together, HKDF-SHA256 and
// ChaCha20-Poly1305. Each attempt has its own.
const (
	inboxSize  = 1216 // of a public key
	inboxSeed  = 32   // of a private key
	sealedSize = 1120 + 32 + 16
)

func inboxKEM() hpke.KEM { return hpke.MLKEM768X25519() }

// sealTo seals 32 bytes to an inbox, in a context that only the one message has.
func sealTo(inbox hpke.PublicKey, info []byte, secret []byte) ([]byte, error) {
	return hpke.Seal(inbox, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info, secret)
}

// openFrom opens what [sealTo] sealed.
func openFrom(inbox hpke.PrivateKey, info []byte, sealed []byte) ([]byte, error) {
	return hpke.Open(inbox, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info, sealed)
}

// sealInfo is the context of what a sender seals to a participant.
func sealInfo(context [32]byte, from sender, to frost.Identifier) []byte {
	return domain.Frame(domain.ThresholdSeal, context[:], domain.Uint16(uint16(from)), domain.Uint16(uint16(to)))
}
