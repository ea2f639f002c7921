package circuits

import (
	"fmt"

	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/public"
	"github.com/zkkex/zkkex/registry"
)

// statementValues are the values of [PublicInputs] and [MemberWires], natively.
type statementValues struct {
	inputs [public.Count]field.Element
	nk     field.Element
	slot   [SlotBits]field.Element
	rest   [SlotBits]field.Element
	groups [][8]field.Element
	top    [4]field.Element
}

// set takes the values of a statement and a witness that belong together.
func (v *statementValues) set(st *zkkex.Statement, w *Witness, nullifierKey [32]byte) (err error) {
	defer clear(nullifierKey[:])
	if v.inputs, err = public.Inputs(st); err != nil {
		return err
	}
	if v.nk, err = field.Parse(nullifierKey); err != nil {
		return fmt.Errorf("nullifier key: %w", err)
	}
	v.slot, v.rest = slotValues(w.Slot), slotValues(st.Limit-1-w.Slot)
	return v.setPath(&w.Path)
}

func (v *statementValues) setPath(p *registry.Path) error {
	v.groups = make([][8]field.Element, len(p.Groups))
	for level, group := range p.Groups {
		if err := parseNodes(v.groups[level][:], group[:]); err != nil {
			return fmt.Errorf("path, level %d: %w", level, err)
		}
	}
	if err := parseNodes(v.top[:], p.Top[:]); err != nil {
		return fmt.Errorf("path, top: %w", err)
	}
	return nil
}

func parseNodes(out []field.Element, nodes []registry.Node) (err error) {
	for i, n := range nodes {
		if out[i], err = field.Parse(n); err != nil {
			return err
		}
	}
	return nil
}

// slotValues spreads a slot over bits, lowest first.
func slotValues(v uint32) (out [SlotBits]field.Element) {
	for i := range out {
		out[i] = field.FromUint64(uint64(v >> i & 1))
	}
	return out
}

// wipe forgets the nullifier key, and the path, which tells whose it is.
func (v *statementValues) wipe() {
	clear(v.groups)
	*v = statementValues{}
}

// publicInputs returns the public values as gnark takes them.
func (v *statementValues) publicInputs() PublicInputs {
	return PublicInputs{
		Root:      v.inputs[public.Root],
		Scope:     v.inputs[public.Scope],
		Limit:     v.inputs[public.Limit],
		Nullifier: v.inputs[public.Nullifier],
		Binding:   v.inputs[public.Binding],
	}
}

// memberWires returns the private values as gnark takes them.
func (v *statementValues) memberWires() MemberWires {
	m := MemberWires{NullifierKey: v.nk, Groups: make([][8]frontend.Variable, len(v.groups))}
	for i := range v.slot {
		m.Slot.Slot[i], m.Slot.Rest[i] = v.slot[i], v.rest[i]
	}
	for level := range v.groups {
		for i, n := range v.groups[level] {
			m.Groups[level][i] = n
		}
	}
	for i, n := range v.top {
		m.Top[i] = n
	}
	return m
}
