// Package public defines the order of public inputs, once, for circuits,
// prover, verifier and exports.
package public

import (
	"fmt"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
)

// Positions of the public inputs, the same for every circuit.
const (
	Root = iota
	Scope
	Limit
	Nullifier
	Binding
	// Count is the number of public inputs.
	Count
)

// Names returns the names of the public inputs, in order.
func Names() [Count]string {
	return [Count]string{"root", "scope", "limit", "nullifier", "binding"}
}

// Inputs returns the public inputs of a statement, in order. Scope and binding
// are hashes and are reduced, or the binding is what a device signs in its place; root and nullifier must be canonical, and an error
// says which one is not.
func Inputs(st *zkkex.Statement) ([Count]field.Element, error) {
	var in [Count]field.Element
	var err error
	if in[Root], err = field.Parse(st.Root); err != nil {
		return in, fmt.Errorf("root: %w", err)
	}
	if in[Nullifier], err = field.Parse(st.Nullifier); err != nil {
		return in, fmt.Errorf("nullifier: %w", err)
	}
	in[Scope] = field.FromHash(st.Scope)
	in[Limit] = field.FromUint64(uint64(st.Limit))
	if in[Binding], err = binding(st); err != nil {
		return in, fmt.Errorf("binding: %w", err)
	}
	return in, nil
}
