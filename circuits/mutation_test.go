package circuits

import (
	"fmt"
	"maps"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark/constraint"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/public"
)

// dropper is a builder that leaves out the assertions with some labels, and keeps
// count of all of them.
type dropper struct {
	frontend.Builder[constraint.U64]
	drop   []string
	labels map[string]int
	// announced and made count assertions that went through a label and those
	// that reached the builder.
	announced, made int
}

func (d *dropper) keep(label string) bool {
	d.labels[label]++
	if slices.Contains(d.drop, label) {
		return false
	}
	d.announced++
	return true
}

func (d *dropper) AssertIsEqual(a, b frontend.Variable) {
	d.made++
	d.Builder.AssertIsEqual(a, b)
}

func (d *dropper) AssertIsBoolean(b frontend.Variable) {
	d.made++
	d.Builder.AssertIsBoolean(b)
}

// Commit makes the dropper a builder of circuits with a commitment, too.
func (d *dropper) Commit(v ...frontend.Variable) (frontend.Variable, error) {
	return d.Builder.(frontend.Committer).Commit(v...)
}

func (d *dropper) AssertIsDifferent(frontend.Variable, frontend.Variable) { panic("unlabelled") }
func (d *dropper) AssertIsCrumb(frontend.Variable)                        { panic("unlabelled") }
func (d *dropper) AssertIsLessOrEqual(v, bound frontend.Variable)         { panic("unlabelled") }

// compileWithout compiles a circuit less the assertions with these labels.
func compileWithout(t *testing.T, id zkkex.CircuitID, labels ...string) (*cs.R1CS, *dropper) {
	t.Helper()
	system, builder := compileDropping(t, id, labels, r1cs.NewBuilder[constraint.U64])
	return system.(*cs.R1CS), builder
}

// compileDropping is compileWithout for any kind of system.
func compileDropping(t *testing.T, id zkkex.CircuitID, labels []string, inner frontend.NewBuilder) (constraint.ConstraintSystem, *dropper) {
	t.Helper()
	var builder *dropper
	newBuilder := func(f *big.Int, config frontend.CompileConfig) (frontend.Builder[constraint.U64], error) {
		b, err := inner(f, config)
		builder = &dropper{Builder: b, drop: labels, labels: make(map[string]int)}
		return builder, err
	}
	circuit, err := New(id)
	if err != nil {
		t.Fatal(err)
	}
	system, err := frontend.Compile(ecc.BN254.ScalarField(), newBuilder, circuit)
	if err != nil {
		t.Fatal(err)
	}
	return system, builder
}

// subject is a full assignment of some relation, natively, for tests to change.
type subject interface {
	// full returns the values as gnark takes them.
	full() frontend.Circuit
	// shared returns the values that every relation has.
	shared() *statementValues
	// complete derives what follows from the others: leaf, path, root, limit and
	// nullifier.
	complete(t *testing.T)
}

func (a *assignment) full() frontend.Circuit   { return a.circuit() }
func (a *assignment) shared() *statementValues { return &a.statementValues }

// lies returns, for each label, a change to a correct assignment that violates
// this assertion and no other.
func lies(t *testing.T, id zkkex.CircuitID) map[string]func(subject) {
	out := statementLies(t, id)
	key := digitWires("key")
	for label, wire := range key {
		out[label] = func(s subject) {
			a := s.(*assignment)
			*wire(&a.digits) = field.FromUint64(2) // off the curve, into a leaf that nobody admitted as a key
			a.complete(t)
		}
	}
	return out
}

// digitWires returns, for each label of a fixed-base multiplication, the value that
// its assertion is about.
func digitWires(name string) map[string]func(d *digitValues) *field.Element {
	out := make(map[string]func(*digitValues) *field.Element)
	for i := range Windows {
		out[fmt.Sprintf("%s: window %d magnitude bit 0 is boolean", name, i)] = func(d *digitValues) *field.Element { return &d.magnitude[i][0] }
		out[fmt.Sprintf("%s: window %d magnitude bit 1 is boolean", name, i)] = func(d *digitValues) *field.Element { return &d.magnitude[i][1] }
		out[fmt.Sprintf("%s: window %d sign is boolean", name, i)] = func(d *digitValues) *field.Element { return &d.sign[i] }
	}
	out[name+": top digit is boolean"] = func(d *digitValues) *field.Element { return &d.top }
	return out
}

// statementLies returns the lies about what every relation shares.
func statementLies(t *testing.T, id zkkex.CircuitID) map[string]func(subject) {
	out := make(map[string]func(subject))
	for level := range levels(id.CapacityBits()) {
		out[fmt.Sprintf("membership: level %d has the running hash among its children", level)] = func(s subject) {
			s.shared().completePath(t, level, randomElement(t)) // a registry without this member
		}
	}
	out["membership: the top has the running hash among its children"] = func(s subject) {
		v := s.shared()
		v.top[2] = randomElement(t)
		v.inputs[public.Root] = field.Compress4(v.top)
	}
	out["membership: the top hashes to the root"] = func(s subject) { s.shared().inputs[public.Root] = randomElement(t) }
	out["nullifier: computed from slot, scope and nk"] = func(s subject) { s.shared().inputs[public.Nullifier] = randomElement(t) }

	for i := range SlotBits {
		out[fmt.Sprintf("slot: bit %d is boolean", i)] = func(s subject) {
			// Slot -1: one more than the limit allows.
			s.shared().slot, s.shared().rest = negative(i, 1), slotValues(testLimit)
			s.complete(t)
		}
		out[fmt.Sprintf("slot: bit %d of the rest is boolean", i)] = func(s subject) {
			// Slot limit+2, and the rest is -3.
			s.shared().slot, s.shared().rest = slotValues(testLimit+2), negative(i, 3)
			s.complete(t)
		}
	}
	out["slot: slot and rest add up to limit - 1"] = func(s subject) {
		s.shared().slot = slotValues(testLimit)
		s.complete(t)
		s.shared().inputs[public.Limit] = field.FromUint64(testLimit)
	}
	return out
}

// negative returns wires that compose to -v, all of it in bit i.
func negative(i int, v uint64) (bits [SlotBits]field.Element) {
	value, weight := field.FromUint64(v), field.FromUint64(1<<i)
	bits[i].Neg(&value).Div(&bits[i], &weight)
	return bits
}

// Each assertion is there for a reason: without it, and only without it, a lie
// passes. Labels and cases are the same set.
func TestEveryAssertionIsNeeded(t *testing.T) {
	for _, id := range []zkkex.CircuitID{zkkex.BabyJubjub20, zkkex.BabyJubjub32} {
		t.Run(id.String(), func(t *testing.T) {
			t.Parallel()
			full, builder := compileWithout(t, id)
			if builder.announced-int(public.Count) != builder.made {
				t.Fatalf("%d assertions have a label and %d reach the builder", builder.announced-int(public.Count), builder.made)
			}
			cases := lies(t, id)
			checkLabels(t, builder.labels, cases)
			if !solves(t, full, newAssignment(t, id).circuit()) {
				t.Fatal("a correct assignment is refused")
			}
			for label, lie := range cases {
				if !checked(id, label) {
					continue
				}
				a := newAssignment(t, id)
				lie(a)
				if solves(t, full, a.circuit()) {
					t.Errorf("%q: the lie passes with the assertion", label)
				}
				without, _ := compileWithout(t, id, label)
				if !solves(t, without, a.circuit()) {
					t.Errorf("%q: the lie fails without the assertion, so something else refuses it", label)
				}
			}
		})
	}
}

// checked says which labels are tried one by one. The two capacities share all
// but the levels of the tree; the deep check tries everything for both.
func checked(id zkkex.CircuitID, label string) bool {
	return id == zkkex.BabyJubjub20 || os.Getenv("ZKKEX_DEEP") != "" || strings.HasPrefix(label, "membership: ")
}

// checkLabels compares labels with cases; squares have their own test.
func checkLabels(t *testing.T, labels map[string]int, cases map[string]func(subject)) {
	t.Helper()
	want := slices.Collect(maps.Keys(cases))
	for _, name := range public.Names() {
		want = append(want, squareLabel(name))
	}
	slices.Sort(want)
	got := slices.Sorted(maps.Keys(labels))
	if !slices.Equal(got, want) {
		t.Fatalf("labels and cases differ:\nlabels %q\ncases  %q", got, want)
	}
	for label, n := range labels {
		if n != 1 {
			t.Errorf("%q labels %d assertions, expected 1", label, n)
		}
	}
}

func squareLabel(name string) string { return "public: " + name + " is squared" }
