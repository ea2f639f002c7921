package circuits

import (
	"fmt"

	"github.com/consensys/gnark/frontend"
)

// assertMember asserts that the leaf is a member of the tree with this root:
// the running hash is among the eight children of a node, whose hash runs on,
// up to the four children of the root.
func assertMember(api frontend.API, h *hasher, leaf, root frontend.Variable, groups [][8]frontend.Variable, top [4]frontend.Variable) error {
	running := leaf
	for level := range groups {
		assertAmong(api, fmt.Sprintf("membership: level %d has the running hash among its children", level), running, groups[level][:])
		var err error
		if running, err = h.compress(groups[level][:]...); err != nil {
			return err
		}
	}
	assertAmong(api, "membership: the top has the running hash among its children", running, top[:])
	computed, err := h.compress(top[:]...)
	if err != nil {
		return err
	}
	assertEqual(api, "membership: the top hashes to the root", computed, root)
	return nil
}

// assertAmong asserts that x equals one of the candidates: the product of the
// differences is 0, in a field.
func assertAmong(api frontend.API, label string, x frontend.Variable, candidates []frontend.Variable) {
	product := api.Sub(x, candidates[0])
	for _, c := range candidates[1:] {
		product = api.Mul(product, api.Sub(x, c))
	}
	assertEqual(api, label, product, 0)
}
