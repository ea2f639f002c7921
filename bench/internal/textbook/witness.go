package textbook

import (
	"fmt"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/public"
	"github.com/zkkex/zkkex/keys"
)

// Path is the way from a leaf to the root of the binary tree.
type Path struct {
	// Index is the leaf's position, below 2^Depth.
	Index uint32
	// Siblings are the other children of the nodes on the way, from the leaf
	// up.
	Siblings [Depth]field.Element
}

// Root is the native twin of the circuit's membership: the root that the path
// leads to from a leaf. It returns an error wrapping [zkkex.ErrMalformed] if the
// leaf is not a canonical field element.
func (p *Path) Root(leaf zkkex.Commitment) (zkkex.Root, error) {
	running, err := field.Parse(leaf)
	if err != nil {
		return zkkex.Root{}, &zkkex.ParseError{Format: "commitment", Err: err}
	}
	for level, sibling := range p.Siblings {
		if p.right(level) {
			running = field.Compress2([2]field.Element{sibling, running})
		} else {
			running = field.Compress2([2]field.Element{running, sibling})
		}
	}
	return field.Bytes(running), nil
}

func (p *Path) right(level int) bool { return p.Index>>level&1 == 1 }

// Witness is what the member knows.
type Witness struct {
	Secret *keys.Secret
	Path   Path
	Slot   uint32
}

// Assign returns the assignment of a statement and a witness. It does not check
// that they belong together: the solver does. The statement's circuit is not
// looked at. It returns an error if the statement's root or nullifier is not
// canonical.
func Assign(st *zkkex.Statement, w *Witness) (*Circuit, error) {
	inputs, err := public.Inputs(st)
	if err != nil {
		return nil, err
	}
	nk, err := field.Parse(w.Secret.RevealNullifierKey())
	if err != nil {
		return nil, fmt.Errorf("nullifier key: %w", err)
	}
	scalar, err := field.Parse(w.Secret.RevealScalar()) // its order is below the field's
	if err != nil {
		return nil, fmt.Errorf("identity key: %w", err)
	}
	c := &Circuit{
		Root:         inputs[public.Root],
		Scope:        inputs[public.Scope],
		Limit:        inputs[public.Limit],
		Nullifier:    inputs[public.Nullifier],
		Binding:      inputs[public.Binding],
		Key:          scalar,
		NullifierKey: nk,
		Slot:         w.Slot,
	}
	for level := range Depth {
		c.Right[level] = 0
		if w.Path.right(level) {
			c.Right[level] = 1
		}
		c.Siblings[level] = w.Path.Siblings[level]
	}
	return c, nil
}
