package export

import (
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/groth16"
	"github.com/zkkex/zkkex/internal/public"
)

// Proof is a proof that verified, with its public inputs in the order of
// docs/spec/statement.md: root, scope, limit, nullifier, binding. Scope and
// binding are reduced modulo the order of the scalar field, as the circuit takes
// them.
type Proof struct {
	points *groth16.Proof
	inputs [public.Count]field.Element
}
