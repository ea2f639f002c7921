package public

import (
	"errors"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/keys/envelope"
)

// Where a device signs, the fifth input is the hash of the envelope's digest; the
// envelopes of a curve never share one, and for other circuits it is the binding.
func TestSignedDigest(t *testing.T) {
	seen := make(map[field.Element]zkkex.CircuitID)
	for _, id := range zkkex.Circuits() {
		st := &zkkex.Statement{Circuit: id, Limit: 1, Binding: zkkex.Binding{1: 7}}
		in, err := Inputs(st)
		if err != nil {
			t.Fatal(err)
		}
		digest, err := SignedDigest(st)
		kind := envelope.OfCircuit(id)
		if kind == 0 {
			if !errors.Is(err, zkkex.ErrUnsupported) || in[Binding] != field.FromHash(st.Binding) {
				t.Errorf("%v: %v", id, err)
			}
			continue
		}
		want, wantErr := kind.Digest(&envelope.Message{Purpose: envelope.Certificate, Binding: st.Binding})
		if err != nil || wantErr != nil || digest != want || in[Binding] != field.SignedDigest(want) || !kind.Fits(id.KeyType()) {
			t.Errorf("%v: %v, %v", id, err, wantErr)
		}
		if other, ok := seen[in[Binding]]; ok && envelope.OfCircuit(other) != kind {
			t.Errorf("%v and %v sign one digest", id, other)
		}
		seen[in[Binding]] = id
		other := *st
		other.Binding[0]++
		if changed, err := Inputs(&other); err != nil || changed[Binding] == in[Binding] {
			t.Errorf("%v: another binding has the same input: %v", id, err)
		}
	}
}
