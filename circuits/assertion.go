package circuits

import "github.com/consensys/gnark/frontend"

// keeper is what a builder may implement to leave assertions out. The mutation
// test drops one at a time and shows that a wrong witness then passes, so no
// assertion is there for nothing and none is forgotten.
type keeper interface {
	// keep reports whether the assertion with this label is to be made.
	keep(label string) bool
}

// assertEqual asserts a = b. Labels are unique within a circuit.
func assertEqual(api frontend.API, label string, a, b frontend.Variable) {
	if kept(api, label) {
		api.AssertIsEqual(a, b)
	}
}

// assertBoolean asserts that b is 0 or 1.
func assertBoolean(api frontend.API, label string, b frontend.Variable) {
	if kept(api, label) {
		api.AssertIsBoolean(b)
	}
}

// square gives the public input x a product of its own. An input that no
// product touches is malleable, and one that only meets an equality assertion
// stays outside of the A side of the proof (traps C11, C11b, C11c).
func square(api frontend.API, label string, x frontend.Variable) {
	if kept(api, label) {
		api.Mul(x, x)
	}
}

func kept(api frontend.API, label string) bool {
	k, ok := api.(keeper)
	return !ok || k.keep(label)
}
