package circuits

import (
	"fmt"

	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/public"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/registry"
)

// Witness is what a member knows and a verifier does not.
type Witness struct {
	// Secret is the identity key and the nullifier key.
	Secret *keys.Secret
	// Path leads from the member's leaf to the statement's root.
	Path registry.Path
	// Slot is the slot to use, below the statement's limit.
	Slot uint32
}

// WitnessError reports that a witness does not belong to its statement. It
// names the check, and holds no secret.
type WitnessError struct {
	// Check is what failed: "limit", "slot", "nullifier" or "membership".
	Check string
	// Detail says what was expected.
	Detail string
}

// Error returns the check and the detail.
func (e *WitnessError) Error() string {
	return "witness does not satisfy the statement: " + e.Check + ": " + e.Detail
}

// Assign returns the full assignment of a statement and a witness, to be
// proved. It holds the secrets, in values that cannot be wiped; what Assign needs
// on the way is wiped. It checks the whole relation natively first, and returns a
// [*WitnessError] that names what does not hold, or an error wrapping
// [zkkex.ErrUnsupported] for an unknown circuit.
func Assign(st *zkkex.Statement, w *Witness) (frontend.Circuit, error) {
	if st.Circuit.KeyType() != zkkex.KeyBabyJubjub {
		return nil, fmt.Errorf("%w: %v", zkkex.ErrUnsupported, st.Circuit)
	}
	if err := check(st, w); err != nil {
		return nil, err
	}
	a := &assignment{
		slot: slotValues(w.Slot),
		rest: slotValues(st.Limit - 1 - w.Slot),
	}
	defer a.wipe()
	if err := a.setKeys(w.Secret); err != nil {
		return nil, err
	}
	var err error
	if a.inputs, err = public.Inputs(st); err != nil {
		return nil, err
	}
	if err := a.setPath(&w.Path); err != nil {
		return nil, err
	}
	return a.circuit(), nil
}

// check is the relation, natively.
func check(st *zkkex.Statement, w *Witness) error {
	if st.Limit == 0 {
		return &WitnessError{"limit", "expected at least 1"}
	}
	if w.Slot >= st.Limit {
		return &WitnessError{"slot", fmt.Sprintf("expected a slot below the limit of %d", st.Limit)}
	}
	if w.Secret.Nullifier(st.Scope, w.Slot) != st.Nullifier {
		return &WitnessError{"nullifier", "not this key's for the scope and slot"}
	}
	if want := levels(st.Circuit.CapacityBits()); len(w.Path.Groups) != want {
		return &WitnessError{"membership", fmt.Sprintf("expected a path of %d levels below the top, got %d", want, len(w.Path.Groups))}
	}
	root, err := w.Path.Root(w.Secret.Commitment())
	if err != nil {
		return &WitnessError{"membership", "the path does not start at this key's commitment: " + err.Error()}
	}
	if root != st.Root {
		return &WitnessError{"membership", fmt.Sprintf("the path leads to root %v, the statement has %v", root, st.Root)}
	}
	return nil
}

// assignment holds the values of every input of [BabyJubjub], natively.
type assignment struct {
	inputs [public.Count]field.Element
	digits digitValues
	nk     field.Element
	slot   [SlotBits]field.Element
	rest   [SlotBits]field.Element
	groups [][8]field.Element
	top    [4]field.Element
}

func (a *assignment) setKeys(s *keys.Secret) error {
	scalar, nk := s.RevealScalar(), s.RevealNullifierKey()
	defer clear(scalar[:])
	defer clear(nk[:])
	digits, err := Recode(scalar)
	if err != nil {
		return err
	}
	defer digits.wipe()
	digits.setValues(&a.digits)
	if a.nk, err = field.Parse(nk); err != nil {
		return fmt.Errorf("nullifier key: %w", err)
	}
	return nil
}

// wipe forgets the secrets, and the path, which tells whose it is.
func (a *assignment) wipe() {
	clear(a.groups)
	*a = assignment{}
}

func (a *assignment) setPath(p *registry.Path) error {
	a.groups = make([][8]field.Element, len(p.Groups))
	for level, group := range p.Groups {
		if err := parseNodes(a.groups[level][:], group[:]); err != nil {
			return fmt.Errorf("path, level %d: %w", level, err)
		}
	}
	if err := parseNodes(a.top[:], p.Top[:]); err != nil {
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

// circuit returns the values as gnark takes them.
func (a *assignment) circuit() *BabyJubjub {
	c := &BabyJubjub{
		Root:         a.inputs[public.Root],
		Scope:        a.inputs[public.Scope],
		Limit:        a.inputs[public.Limit],
		Nullifier:    a.inputs[public.Nullifier],
		Binding:      a.inputs[public.Binding],
		NullifierKey: a.nk,
		Groups:       make([][8]frontend.Variable, len(a.groups)),
	}
	for i := range a.digits.sign {
		c.Key.Magnitude[i] = [2]frontend.Variable{a.digits.magnitude[i][0], a.digits.magnitude[i][1]}
		c.Key.Sign[i] = a.digits.sign[i]
	}
	c.Key.Top = a.digits.top
	for i := range a.slot {
		c.Slot.Slot[i], c.Slot.Rest[i] = a.slot[i], a.rest[i]
	}
	for level := range a.groups {
		for i, n := range a.groups[level] {
			c.Groups[level][i] = n
		}
	}
	for i, n := range a.top {
		c.Top[i] = n
	}
	return c
}

// slotValues spreads a slot over bits, lowest first.
func slotValues(v uint32) (out [SlotBits]field.Element) {
	for i := range out {
		out[i] = field.FromUint64(uint64(v >> i & 1))
	}
	return out
}
