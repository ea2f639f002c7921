package circuits

import (
	"crypto/elliptic"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/consensys/gnark-crypto/ecc"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/public"
)

func newECKeyCircuit(t testing.TB, keyType zkkex.KeyType, capacityBits int) *ECKey {
	t.Helper()
	c, err := NewECKey(keyType, capacityBits)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// ecKeySystems are the relations at 2^20, compiled once for all tests, which only
// read them.
var ecKeySystems = map[zkkex.KeyType]func() (*cs.R1CS, error){
	zkkex.KeyP256:      sync.OnceValues(func() (*cs.R1CS, error) { return compileECKey(zkkex.KeyP256, 20) }),
	zkkex.KeySecp256k1: sync.OnceValues(func() (*cs.R1CS, error) { return compileECKey(zkkex.KeySecp256k1, 20) }),
}

func compileECKey(keyType zkkex.KeyType, capacityBits int) (*cs.R1CS, error) {
	c, err := NewECKey(keyType, capacityBits)
	if err != nil {
		return nil, err
	}
	system, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, c)
	if err != nil {
		return nil, err
	}
	return system.(*cs.R1CS), nil
}

func ecKeySystem(t testing.TB, keyType zkkex.KeyType) *cs.R1CS {
	t.Helper()
	system, err := ecKeySystems[keyType]()
	if err != nil {
		t.Fatal(err)
	}
	return system
}

// newECKeyAssignment returns random values that satisfy the relation, for a
// scalar and a registry of random neighbours.
func newECKeyAssignment(t *testing.T, keyType zkkex.KeyType, capacityBits int, k *big.Int) *ecKeyAssignment {
	t.Helper()
	a := &ecKeyAssignment{
		statementValues: newStatementValues(t, capacityBits),
		keyType:         keyType,
		digits:          *recodeECT(t, k, baseOf(keyType).curve.n),
	}
	a.admit(t, publicX(t, keyType, k))
	return a
}

func (a *ecKeyAssignment) full() frontend.Circuit   { return a.circuit() }
func (a *ecKeyAssignment) shared() *statementValues { return &a.statementValues }

// complete takes the leaf of the key with the digits.
func (a *ecKeyAssignment) complete(t *testing.T) {
	t.Helper()
	a.completeStatement(t, a.leafOf(a.keyType, baseOf(a.keyType).coordinate(&a.digits)))
}

// admit derives what follows from the x coordinate of a key: leaf, path, root.
func (a *ecKeyAssignment) admit(t *testing.T, x *big.Int) {
	t.Helper()
	a.completeStatement(t, a.leafOf(a.keyType, field.ECKey([32]byte(x.FillBytes(make([]byte, 32))))))
}

func (a *ecKeyAssignment) leafOf(keyType zkkex.KeyType, k field.Element) field.Element {
	return field.Leaf(uint16(keyType), k, field.HashNullifierKey(a.nk))
}

// The circuit agrees with other implementations of the curves, at the ends of the
// range and of the windows and at random.
func TestECKeyAgreesWithOtherImplementations(t *testing.T) {
	for _, keyType := range ecTypes {
		system := ecKeySystem(t, keyType)
		n := baseOf(keyType).curve.n
		scalars := ecEdgeScalars(n)
		for range deepOr(4, 100) {
			scalars = append(scalars, randomScalar(t, n))
		}
		for _, k := range scalars {
			if !solvesWith(t, system, newECKeyAssignment(t, keyType, 20, k).circuit()) {
				t.Errorf("%v: the key %x cannot be proved", keyType, k)
			}
		}
	}
}

// The strings of digits with the same bits in all windows prove what they stand for.
func TestECKeyUniformDigits(t *testing.T) {
	for _, keyType := range ecTypes {
		system := ecKeySystem(t, keyType)
		base := baseOf(keyType)
		for _, u := range []uint8{0, 1, 127, 128, 254, 255} {
			a := newECKeyAssignment(t, keyType, 20, big.NewInt(1))
			a.digits = *uniformEC(u)
			a.admit(t, publicX(t, keyType, a.digits.value(base.curve.n)))
			if !solvesWith(t, system, a.circuit()) {
				t.Errorf("%v: digits of %d cannot be proved", keyType, u)
			}
		}
	}
}

// A key proves its own leaf: no other key's, no other type's, and not the leaf of
// another integer for its coordinate.
func TestECKeyProvesItsLeafOnly(t *testing.T) {
	for _, keyType := range ecTypes {
		system := ecKeySystem(t, keyType)
		base := baseOf(keyType)
		k := randomScalar(t, base.curve.n)
		x := publicX(t, keyType, k)
		coordinate := field.ECKey([32]byte(x.FillBytes(make([]byte, 32))))
		other := publicX(t, keyType, randomScalar(t, base.curve.n))
		plus := new(big.Int).Add(x, base.curve.p)
		for name, leaf := range map[string]func(a *ecKeyAssignment) field.Element{
			"another key": func(a *ecKeyAssignment) field.Element {
				return a.leafOf(keyType, field.ECKey([32]byte(other.FillBytes(make([]byte, 32)))))
			},
			"the other curve's type": func(a *ecKeyAssignment) field.Element {
				return a.leafOf(zkkex.KeyP256+zkkex.KeySecp256k1-keyType, coordinate)
			},
			"Baby Jubjub's type": func(a *ecKeyAssignment) field.Element { return a.leafOf(zkkex.KeyBabyJubjub, coordinate) },
			"x + p": func(a *ecKeyAssignment) field.Element {
				hi, lo := new(big.Int).DivMod(plus, power2(128), new(big.Int))
				var h, l field.Element
				return a.leafOf(keyType, field.Compress3([3]field.Element{field.FromUint64(4), *h.SetBigInt(hi), *l.SetBigInt(lo)}))
			},
			"halves swapped": func(a *ecKeyAssignment) field.Element {
				b := x.FillBytes(make([]byte, 32))
				return a.leafOf(keyType, field.ECKey([32]byte(append(b[16:], b[:16]...))))
			},
		} {
			a := newECKeyAssignment(t, keyType, 20, k)
			if !solvesWith(t, system, a.circuit()) {
				t.Fatalf("%v: a correct assignment is refused", keyType)
			}
			a.completeStatement(t, leaf(a))
			if solvesWith(t, system, a.circuit()) {
				t.Errorf("%v: the leaf of %s is accepted", keyType, name)
			}
		}
	}
}

// ecKeyLie violates one assertion and no other: a change of the assignment, or what
// hints say.
type ecKeyLie struct {
	change    func(a *ecKeyAssignment, c *ECKey)
	forgeries []forgery
}

// ecKeyLies returns a lie for each label of the key's own assertions.
func ecKeyLies() map[string]ecKeyLie {
	out := make(map[string]ecKeyLie)
	bit := func(label string, wire func(c *ECKey) *frontend.Variable) {
		out[label] = ecKeyLie{change: func(_ *ecKeyAssignment, c *ECKey) { *wire(c) = 2 }}
	}
	for i := range ECWindows {
		window := fmt.Sprintf("key: window %d", i)
		if i == ECWindows-1 {
			window = "key: top"
		} else {
			bit(window+" sign is boolean", func(c *ECKey) *frontend.Variable { return &c.Key.Sign[i] })
		}
		for j := range ecWindowBits - 1 {
			bit(fmt.Sprintf("%s magnitude bit %d is boolean", window, j), func(c *ECKey) *frontend.Variable {
				if i == ECWindows-1 {
					return &c.Key.Top[j]
				}
				return &c.Key.Magnitude[i][j]
			})
		}
	}
	add := func(lies map[string][]forgery) {
		for label, forgeries := range lies {
			out[label] = ecKeyLie{forgeries: forgeries}
		}
	}
	for i := range ECWindows - 1 {
		add(arithmeticLies(fmt.Sprintf("key: window %d slope", i+1), ratioHint, i, 2*i))
		if i < ECWindows-2 {
			add(arithmeticLies(fmt.Sprintf("key: window %d sum", i+1), remainderHint, i, 2*i+1))
		}
	}
	add(arithmeticLies("key: x", canonicalHint, 0, 2*ECWindows-3))
	add(coordinateLies("key: x"))
	add(map[string][]forgery{"chunks: every chunk is in the table": {shifted(ratioHint, 5, 3)}})
	return out
}

// Each assertion is there for a reason: without it, and only without it, a lie
// passes. What every relation asserts of the statement is shown on the babyjubjub
// relation, and here in the deep check.
func TestEveryECKeyAssertionIsNeeded(t *testing.T) {
	cases := ecKeyLies()
	for _, keyType := range ecTypes {
		t.Run(keyType.String(), func(t *testing.T) {
			t.Parallel()
			circuit := newECKeyCircuit(t, keyType, 20)
			full, builder := compileRelationWithout(t, circuit, "")
			checkECKeyLabels(t, builder, cases)
			for label, lie := range cases {
				if triedECKeyLabel(keyType, label) {
					checkECKeyLie(t, circuit, full, label, lie)
				}
			}
			for label, lie := range statementLies(t, ecKeyIDs[keyType]) {
				if triedECKeyLabel(keyType, label) {
					checkECKeyStatementLie(t, circuit, full, label, lie)
				}
			}
		})
	}
}

// triedECKeyLabel says which labels are tried one by one: some, and in the deep check
// all, but for secp256k1 only the lowest and the highest of the windows with a sign.
// Those of the arithmetic and of the coordinate are tried on the gadgets alone.
func triedECKeyLabel(keyType zkkex.KeyType, label string) bool {
	if os.Getenv("ZKKEX_DEEP") != "" {
		return keyType == zkkex.KeyP256 || !strings.HasPrefix(label, "key: window ") ||
			strings.HasPrefix(label, "key: window 0 ") || strings.HasPrefix(label, "key: window 30 ")
	}
	return keyType == zkkex.KeyP256 && slices.Contains([]string{
		"key: window 0 magnitude bit 3 is boolean", "key: window 17 sign is boolean", "key: top magnitude bit 6 is boolean",
		"key: window 17 slope: modulo q", "key: window 30 sum: lower carry",
	}, label)
}

func checkECKeyLie(t *testing.T, circuit *ECKey, full *cs.R1CS, label string, lie ecKeyLie) {
	t.Helper()
	a := newECKeyAssignment(t, circuit.keyType, 20, randomScalar(t, baseOf(circuit.keyType).curve.n))
	without, _ := compileRelationWithout(t, circuit, label)
	var halves [2]*big.Int
	assigned := lie.assign(a)
	// What the lie arrives at becomes the leaf that is admitted.
	solvesWith(t, without, assigned, append(lie.forgeries, readCoordinate(&halves))...)
	if halves[0] == nil {
		t.Errorf("%q: the coordinate was not reached", label)
		return
	}
	a.completeStatement(t, a.leafOf(a.keyType, compressHalves(halves)))
	assigned = lie.assign(a)
	if solvesWith(t, full, assigned, lie.forgeries...) {
		t.Errorf("%q: the lie passes with the assertion", label)
	}
	if !solvesWith(t, without, assigned, lie.forgeries...) {
		t.Errorf("%q: the lie fails without the assertion, so something else refuses it", label)
	}
}

func checkECKeyStatementLie(t *testing.T, circuit *ECKey, full *cs.R1CS, label string, lie func(subject)) {
	t.Helper()
	a := newECKeyAssignment(t, circuit.keyType, 20, randomScalar(t, baseOf(circuit.keyType).curve.n))
	lie(a)
	if solvesWith(t, full, a.circuit()) {
		t.Errorf("%q: the lie passes with the assertion", label)
	}
	without, _ := compileRelationWithout(t, circuit, label)
	if !solvesWith(t, without, a.circuit()) {
		t.Errorf("%q: the lie fails without the assertion, so something else refuses it", label)
	}
}

// assign returns the wires of the liar.
func (l *ecKeyLie) assign(a *ecKeyAssignment) *ECKey {
	c := a.circuit()
	if l.change != nil {
		l.change(a, c)
	}
	return c
}

// checkECKeyLabels compares the labels of the circuit with the cases and with those
// of the statement.
func checkECKeyLabels(t *testing.T, builder *dropper, cases map[string]ecKeyLie) {
	t.Helper()
	want := slices.Collect(maps.Keys(cases))
	want = slices.AppendSeq(want, maps.Keys(statementLies(t, zkkex.P256Key20)))
	for _, name := range public.Names() {
		want = append(want, squareLabel(name))
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(builder.labels)); !slices.Equal(got, want) {
		t.Fatalf("labels and cases differ:\nlabels %q\ncases  %q", got, want)
	}
	lookups := 0
	for label, n := range builder.labels {
		if n != 1 {
			t.Errorf("%q labels %d assertions, expected 1", label, n)
		}
		if strings.Contains(label, "chunks") && !strings.HasPrefix(label, "chunks: ") {
			lookups++
		}
	}
	if labelled := builder.announced - int(public.Count) - lookups; labelled != builder.made {
		t.Errorf("%d assertions have a label and %d reach the builder", labelled, builder.made)
	}
}

func TestNewECKeyRefuses(t *testing.T) {
	for _, keyType := range []zkkex.KeyType{0, zkkex.KeyBabyJubjub, zkkex.KeyEdDSA, 99} {
		if _, err := NewECKey(keyType, 20); !errors.Is(err, zkkex.ErrUnsupported) {
			t.Errorf("key type %v: got %v", keyType, err)
		}
	}
	if _, err := NewECKey(zkkex.KeyP256, 21); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("capacity 2^21: got %v", err)
	}
}

// The constants are those of the standards, by two other implementations.
func TestPrimeCurves(t *testing.T) {
	for keyType, want := range map[zkkex.KeyType]*elliptic.CurveParams{
		zkkex.KeyP256: elliptic.P256().Params(), zkkex.KeySecp256k1: secp256k1.S256().Params(),
	} {
		c := primeCurveOf(keyType)
		if c.n.Cmp(want.N) != 0 || c.p.Cmp(want.P) != 0 || !c.n.ProbablyPrime(20) || !c.p.ProbablyPrime(20) || c.n.BitLen() != 256 || c.p.BitLen() != 256 {
			t.Errorf("%v: other constants", keyType)
		}
	}
}

func deepOr(quick, deep int) int {
	if os.Getenv("ZKKEX_DEEP") != "" {
		return deep
	}
	return quick
}
