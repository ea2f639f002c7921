package circuits

import (
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

	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/public"
)

// signatureAssignment returns the assignment of a member with this key and these
// wires, whatever they are worth, in a registry that admitted the key.
func signatureAssignment(t *testing.T, curve eckey.Curve, capacityBits int, key curvePoint, e *big.Int, w ECDSAWires) *ECDSASignature {
	t.Helper()
	v := newStatementValues(t, capacityBits)
	k := hashHalves(domain.ECKey, key.x)
	v.completeStatement(t, field.Leaf(uint16(curve.KeyType()), k, field.HashNullifierKey(v.nk)))
	v.inputs[public.Binding] = hashHalves(domain.SignedDigest, e)
	return &ECDSASignature{PublicInputs: v.publicInputs(), Signature: w, MemberWires: v.memberWires()}
}

// hashHalves returns f_3(tag, upper half, lower half).
func hashHalves(tag uint64, v *big.Int) field.Element {
	upper, lower := new(big.Int).DivMod(v, power2(coordinateHalf), new(big.Int))
	return hashPair(tag, upper, lower)
}

func hashPair(tag uint64, upper, lower *big.Int) field.Element {
	var hi, lo field.Element
	hi.SetBigInt(upper)
	lo.SetBigInt(lower)
	return field.Compress3([3]field.Element{field.FromUint64(tag), hi, lo})
}

func compileSignature(t *testing.T, curve eckey.Curve, capacityBits int, builder frontend.NewBuilder) *cs.R1CS {
	t.Helper()
	c, err := NewECDSASignature(curve.KeyType(), capacityBits)
	if err != nil {
		t.Fatal(err)
	}
	return compileGadget(t, c, builder)
}

func compileGadget(t *testing.T, c frontend.Circuit, builder frontend.NewBuilder) *cs.R1CS {
	t.Helper()
	system, err := frontend.Compile(ecc.BN254.ScalarField(), builder, c)
	if err != nil {
		t.Fatal(err)
	}
	return system.(*cs.R1CS)
}

// opened returns a signature that the native twin accepts, with even or odd a and b,
// of which never both are even.
func (c *sigCurve) opened(t *testing.T, aEven, bEven uint) (*rawSignature, *openedSignature) {
	t.Helper()
	for {
		sig := c.sign(t, randomBelow(t, power2(scalarBits)))
		o := mustOpen(t, c, sig)
		if o.a.Bit(0) != aEven && o.b.Bit(0) != bEven {
			return sig, o
		}
	}
}

func mustOpen(t *testing.T, c *sigCurve, sig *rawSignature) *openedSignature {
	t.Helper()
	o, err := c.open(sig.key, sig.e, sig.r, sig.s)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// quickCurves are both curves with ZKKEX_DEEP=1, and otherwise the given one: the
// two share all but constants.
func quickCurves(curve eckey.Curve) []eckey.Curve {
	if os.Getenv("ZKKEX_DEEP") != "" {
		return sigCurves
	}
	return []eckey.Curve{curve}
}

// Every signature is accepted, the rare ones too.
func TestSignatureCircuitAccepts(t *testing.T) {
	for _, curve := range quickCurves(eckey.P256) {
		t.Run(curve.String(), func(t *testing.T) {
			t.Parallel()
			c := sigCurveOf(curve)
			system := compileSignature(t, curve, 20, r1cs.NewBuilder[constraint.U64])
			accept := func(name string, sig *rawSignature) {
				o := mustOpen(t, c, sig)
				if !solves(t, system, signatureAssignment(t, curve, 20, sig.key, sig.e, c.wires(o, sig.e))) {
					t.Errorf("%s is refused", name)
				}
			}
			for _, even := range [][2]uint{{0, 0}, {0, 1}, {1, 0}} {
				sig, _ := c.opened(t, even[0], even[1])
				accept("a signature", sig)
				sig.s.Sub(c.n, sig.s)
				accept("its other half", sig)
			}
			for _, e := range []*big.Int{new(big.Int), big.NewInt(1), c.n, new(big.Int).Add(c.n, big.NewInt(5)), new(big.Int).Sub(power2(scalarBits), big.NewInt(1))} {
				accept("a digest at an edge", c.sign(t, e))
			}
			accept("an x coordinate above n", c.aboveOrder(t))
			sig, o := c.bothEven(t)
			if !solves(t, system, signatureAssignment(t, curve, 20, sig.key, sig.e, c.wires(o, sig.e))) {
				t.Error("even a and b are refused")
			}
		})
	}
}

// bothEven returns twice what opening a signature gives, which is never even in both
// a and b: with n odd, Euclid's algorithm gives a and b without common divisor.
func (c *sigCurve) bothEven(t *testing.T) (*rawSignature, *openedSignature) {
	t.Helper()
	for {
		sig, o := c.opened(t, 0, 0)
		for _, v := range []*big.Int{o.a, o.b, o.c, o.t} {
			v.Lsh(v, 1)
		}
		if o.a.BitLen() <= shortBits && o.b.BitLen() <= shortBits {
			o.c.Mod(o.c, c.n)
			return sig, o
		}
	}
}

// aboveOrder returns a signature whose R has an x coordinate from n to p - 1, so
// that r = x - n.
func (c *sigCurve) aboveOrder(t *testing.T) *rawSignature {
	t.Helper()
	nonce := c.lift(new(big.Int).Add(c.n, big.NewInt(1)))
	if nonce.x.Cmp(c.p) >= 0 {
		t.Fatal("no x coordinate above n")
	}
	sig := &rawSignature{e: randomBelow(t, c.n), s: randomBelow(t, c.n), r: new(big.Int).Sub(nonce.x, c.n)}
	sig.key = c.keyFor(sig.e, sig.r, sig.s, nonce)
	return sig
}

// What is no signature is refused. Traps C1, C9.
func TestSignatureCircuitRefuses(t *testing.T) {
	for _, curve := range quickCurves(eckey.Secp256k1) {
		t.Run(curve.String(), func(t *testing.T) {
			t.Parallel()
			c := sigCurveOf(curve)
			system := compileSignature(t, curve, 20, r1cs.NewBuilder[constraint.U64])
			sig, good := c.opened(t, 0, 1)
			try := func(e *big.Int, change func(o *openedSignature)) bool {
				o := *good
				change(&o)
				return solves(t, system, signatureAssignment(t, curve, 20, o.key, e, c.wires(&o, e)))
			}
			minus := func(v *big.Int) *big.Int { return new(big.Int).Neg(v) }
			modN := func(v *big.Int) *big.Int { return new(big.Int).Mod(v, c.n) }
			for name, change := range map[string]func(o *openedSignature){
				"nothing changed": func(*openedSignature) {},
				"t, a, b and c negative": func(o *openedSignature) {
					o.t, o.a, o.b, o.c = modN(minus(o.t)), minus(o.a), minus(o.b), modN(minus(o.c))
				},
				"(r, -s), with -R and -b": func(o *openedSignature) { o.nonce, o.b = c.negative(o.nonce), minus(o.b) },
				"t of more than n":        func(o *openedSignature) { o.t = new(big.Int).Add(o.t, c.n) },
			} {
				if !try(sig.e, change) {
					t.Errorf("%s: refused", name)
				}
			}
			for name, change := range map[string]func(o *openedSignature){
				"a = b = c = t = 0":    func(o *openedSignature) { o.t, o.a, o.b, o.c = new(big.Int), new(big.Int), new(big.Int), new(big.Int) },
				"a = t = c = 0":        func(o *openedSignature) { o.t, o.a, o.c = new(big.Int), new(big.Int), new(big.Int) },
				"b = 0":                func(o *openedSignature) { o.b = new(big.Int) },
				"a and b by another t": func(o *openedSignature) { o.a, o.b = new(big.Int).Rsh(o.a, 1), new(big.Int).Rsh(o.b, 1) },
				"-a":                   func(o *openedSignature) { o.a = minus(o.a) },
				"-b":                   func(o *openedSignature) { o.b = minus(o.b) },
				"c and t of another e": func(o *openedSignature) { o.t, o.c = modN(minus(o.t)), modN(minus(o.c)) },
				"-R":                   func(o *openedSignature) { o.nonce = c.negative(o.nonce) },
				"another R":            func(o *openedSignature) { o.nonce = c.times(c.base, randomBelow(t, c.n)) },
				"-Q, of the same leaf": func(o *openedSignature) { o.key = c.negative(o.key) },
				"another key":          func(o *openedSignature) { o.key = c.times(c.base, randomBelow(t, c.n)) },
				"R off the curve":      func(o *openedSignature) { o.nonce.y = new(big.Int).Xor(o.nonce.y, big.NewInt(1)) },
				"Q off the curve":      func(o *openedSignature) { o.key.y = new(big.Int).Xor(o.key.y, big.NewInt(1)) },
				"R of zeros":           func(o *openedSignature) { o.nonce = curvePoint{new(big.Int), new(big.Int)} },
				"Q of zeros":           func(o *openedSignature) { o.key = curvePoint{new(big.Int), new(big.Int)} },
			} {
				if try(sig.e, change) {
					t.Errorf("%s: accepted", name)
				}
			}
			if try(new(big.Int).Xor(sig.e, big.NewInt(1)), func(*openedSignature) {}) {
				t.Error("another digest: accepted")
			}
			forgeries(t, c, curve, system)
		})
	}
}

// forgeries tries what passes for a signature if a condition of ECDSA is left out.
func forgeries(t *testing.T, c *sigCurve, curve eckey.Curve, system *cs.R1CS) {
	// s = 0: 0 = e*G + r*Q for the key -(e/r)*G.
	e, nonce := randomBelow(t, c.n), c.lift(randomBelow(t, c.n))
	key := c.times(c.base, c.divide(new(big.Int).Sub(c.n, e), nonce.x))
	o := &openedSignature{key: key, nonce: nonce, b: new(big.Int), a: big.NewInt(1)}
	o.t = c.divide(o.a, nonce.x)
	o.c = new(big.Int).Mul(o.t, e)
	o.c.Mod(o.c, c.n)
	if solves(t, system, signatureAssignment(t, curve, 20, key, e, c.wires(o, e))) {
		t.Error("s = 0: accepted")
	}
	// R = Q, a doubling in the table: a signature, and yet not provable.
	d := randomBelow(t, c.n)
	same := c.times(c.base, d)
	r := new(big.Int).Mod(same.x, c.n)
	s := new(big.Int).Mul(r, d)
	o = mustOpen(t, c, &rawSignature{key: same, e: e, r: r, s: c.divide(s.Add(s, e), d)})
	if solves(t, system, signatureAssignment(t, curve, 20, same, e, c.wires(o, e))) {
		t.Error("R = Q: a sum of equal points is accepted")
	}
}

// The labels of the circuit are those that the tests of gadgets, of membership and
// of arithmetic speak of, and sums assert what sums must.
func TestSignatureCircuitLabels(t *testing.T) {
	builder := &labelled{}
	compileSignature(t, eckey.P256, 20, builder.new)
	sums := jointWindows + ECWindows + 2*len(jointTable{})*len(jointTable{}) + 2 + 3
	doublings := 2*(jointWindows-1) + 2
	for label, want := range map[string]int{
		labelDistinct: sums, labelChord + ": modulo q": sums, labelTangent + ": modulo q": doublings,
		labelX + ": modulo q": sums + doublings, labelX + ": 256 bits": sums + doublings,
		"a: bits are boolean": shortBits, "b: bits are boolean": shortBits, "c: bits are boolean": scalarBits,
	} {
		if got := builder.labels[label]; got != want {
			t.Errorf("%q is asserted %d times, expected %d", label, got, want)
		}
	}
	var got []string
	for label := range builder.labels {
		if kind := kindOf(label); !slices.Contains(got, kind) {
			got = append(got, kind)
		}
	}
	slices.Sort(got)
	want := slices.Concat(slices.Collect(maps.Keys(gadgetLies(t, eckey.P256))), []string{"sum: end: x", "sum: end: y", "chunks"}, []string{"membership", "nullifier", "public", "slot"})
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("kinds of labels and cases differ:\nlabels %q\ncases  %q", got, want)
	}
}

// kindOf returns the part of a label that a test of its own speaks of: what the
// arithmetic asserts for one identity is one kind, and the statement's parts are
// those of the babyjubjub relation.
func kindOf(label string) string {
	for _, part := range []string{"membership", "nullifier", "public", "slot"} {
		if strings.HasPrefix(label, part+":") {
			return part
		}
	}
	if label == "chunks: every chunk is in the table" {
		return "chunks"
	}
	for _, suffix := range []string{": quotient: chunks", ": modulo q", ": lower carry", ": lower carry: chunks", ": upper carry", ": upper carry: chunks"} {
		if kind, ok := strings.CutSuffix(label, suffix); ok {
			return kind
		}
	}
	return label
}
