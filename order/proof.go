package order

import (
	"crypto/ed25519"
	"errors"
	"fmt"

	"github.com/zkkex/zkkex/internal/domain"
)

// BindingLabel is the label under which both ends of a channel export the 32 bytes
// that a [Proof] is bound to, with an empty context: what was shown on one channel
// is worth nothing on another.
const BindingLabel = "zkkex order binding"

// ErrProof reports a proof that does not show that the order is the sender's, or a
// request that takes none.
var ErrProof = errors.New("the proof does not show that the order is the sender's")

// VerifyProof returns nil if the Proof of a request shows, on the channel with the
// given binding, that its sender has the private half of key, which is the
// OwnerKey of the order that the request is about. Otherwise its error wraps
// [ErrProof]: also for an order without a key, and for a request without a proof.
func VerifyProof(key, binding [32]byte, r Request) error {
	_, proof, ok := owned(r)
	switch {
	case !ok:
		return fmt.Errorf("%w: a %T takes no proof", ErrProof, r)
	case *proof == Proof{}:
		return fmt.Errorf("%w: there is none", ErrProof)
	case key == [32]byte{}:
		// 32 zeros encode a point of small order, for which anybody can sign.
		return fmt.Errorf("%w: the order was entered without a key, so that only its own session owns it", ErrProof)
	case !ed25519.Verify(key[:], proven(binding, r), proof[:]):
		return ErrProof
	}
	return nil
}

// proven is what an order's own key signs.
func proven(binding [32]byte, r Request) []byte {
	digest := RequestDigest(r)
	return domain.Frame(domain.OrderProof, binding[:], digest[:])
}

// owned returns the order or quote that a request is about, and where its proof is.
func owned(r Request) (ID, *Proof, bool) {
	switch r := r.(type) {
	case *OrderCancelRequest:
		return r.OrigClOrdID, &r.Proof, true
	case *OrderCancelReplaceRequest:
		return r.OrigClOrdID, &r.Proof, true
	case *OrderStatusRequest:
		return r.ClOrdID, &r.Proof, true
	case *QuoteCancel:
		return r.QuoteID, &r.Proof, true
	}
	return ID{}, nil, false
}
