package public

import (
	"fmt"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/keys/envelope"
)

// SignedDigest returns the digest that the key of a statement's prover signs: that of
// the circuit's envelope over the binding. It returns an error wrapping
// [zkkex.ErrUnsupported] for a circuit that proves no signature on a digest.
func SignedDigest(st *zkkex.Statement) ([32]byte, error) {
	kind := envelope.OfCircuit(st.Circuit)
	if kind == 0 {
		return [32]byte{}, fmt.Errorf("%w: %v proves no signature on a digest", zkkex.ErrUnsupported, st.Circuit)
	}
	return kind.Digest(&envelope.Message{Purpose: envelope.Certificate, Binding: st.Binding})
}

// binding returns the fifth public input: the binding, or what stands for it where
// it is a device that signs.
func binding(st *zkkex.Statement) (field.Element, error) {
	if envelope.OfCircuit(st.Circuit) == 0 {
		return field.FromHash(st.Binding), nil
	}
	digest, err := SignedDigest(st)
	if err != nil {
		return field.Element{}, err
	}
	return field.SignedDigest(digest), nil
}
