package circuits

import (
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/babyjubjub"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/public"
	"github.com/zkkex/zkkex/keys/eddsa"
)

// signatureLabel is the one assertion that ties key, response and challenge
// together. Its sides are a hash and what is hashed, so that whoever lies about
// one of the three breaks it too: it is left out where another label is tried.
const signatureLabel = "signature: the challenge is computed from R, key and binding"

func (a *eddsaAssignment) full() frontend.Circuit   { return a.circuit() }
func (a *eddsaAssignment) shared() *statementValues { return &a.statementValues }

// complete takes the leaf of whatever the eightfold of the eighth is.
func (a *eddsaAssignment) complete(t *testing.T) {
	t.Helper()
	key := a.eighth
	for range 3 {
		key = doublePoint(key)
	}
	a.completeStatement(t, field.Leaf(uint16(zkkex.KeyEdDSA), key.y, field.HashNullifierKey(a.nk)))
}

// newEdDSAAssignment returns random values that satisfy the relation.
func newEdDSAAssignment(t *testing.T, id zkkex.CircuitID) *eddsaAssignment {
	t.Helper()
	a := &eddsaAssignment{statementValues: newStatementValues(t, id.CapacityBits())}
	a.sign(t, newEdDSAKey(t), a.inputs[public.Binding])
	a.complete(t)
	return a
}

func newEdDSAKey(t *testing.T) *eddsa.PrivateKey {
	t.Helper()
	key, err := eddsa.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sign sets the values of a signature.
func (a *eddsaAssignment) sign(t *testing.T, key *eddsa.PrivateKey, message field.Element) {
	t.Helper()
	m := field.Bytes(message)
	sig, err := key.Sign(m)
	if err != nil {
		t.Fatal(err)
	}
	p, err := babyjubjub.Parse(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	a.eighth = eighthOf(&p)
	e, err := eddsa.Challenge([eddsa.PublicSize]byte(sig[:]), key.Public(), m)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.setChallenge(e); err != nil {
		t.Fatal(err)
	}
	if err := a.setResponse([32]byte(sig[eddsa.PublicSize:])); err != nil {
		t.Fatal(err)
	}
}

// eddsaLies returns, for each label, a change to a correct assignment that violates
// this assertion, and but for the labels in the second map no other but
// signatureLabel.
func eddsaLies(t *testing.T, id zkkex.CircuitID) (lies map[string]func(subject), alone map[string]bool) {
	lies, alone = statementLies(t, id), map[string]bool{signatureLabel: true}
	for label := range lies {
		alone[label] = true
	}
	two := field.FromUint64(2)
	lies[signatureLabel] = func(s subject) { s.shared().inputs[public.Binding] = randomElement(t) }
	lies["key: an eighth of it is on the curve"] = func(s subject) {
		a := s.(*eddsaAssignment)
		a.eighth = point{x: randomElement(t), y: randomElement(t)}
		a.complete(t)
	}
	for label, wire := range digitWires("response") {
		lies[label] = func(s subject) { *wire(&s.(*eddsaAssignment).digits) = two }
	}
	lies["response: sign is boolean"] = func(s subject) { s.(*eddsaAssignment).plus = two }
	for i := range ChallengeBits {
		lies[fmt.Sprintf("challenge: bit %d is boolean", i)] = func(s subject) {
			a := s.(*eddsaAssignment)
			a.challenge = insideWindow(i)
			a.challenge[i] = two
		}
	}
	lies["challenge: within the window"] = func(s subject) { s.(*eddsaAssignment).challenge = [ChallengeBits]field.Element{} }
	return lies, alone
}

// insideWindow returns bits that are strictly inside of the window by bits 253 to 251
// other than i, whatever bit i is.
func insideWindow(i int) (out [ChallengeBits]field.Element) {
	one := field.FromUint64(1)
	out[5], out[251] = one, one // some digits are no zeros
	if i != 252 && i != 253 {
		out[252] = one
	}
	return out
}

func TestEveryEdDSAAssertionIsNeeded(t *testing.T) {
	for _, id := range []zkkex.CircuitID{zkkex.EdDSA20, zkkex.EdDSA32} {
		t.Run(id.String(), func(t *testing.T) {
			t.Parallel()
			full, builder := compileWithout(t, id)
			if builder.announced-int(public.Count) != builder.made {
				t.Fatalf("%d assertions have a label and %d reach the builder", builder.announced-int(public.Count), builder.made)
			}
			cases, alone := eddsaLies(t, id)
			checkLabels(t, builder.labels, cases)
			loose, _ := compileWithout(t, id, signatureLabel)
			if a := newEdDSAAssignment(t, id); !solves(t, full, a.full()) || !solves(t, loose, a.full()) {
				t.Fatal("a correct assignment is refused")
			}
			for label, lie := range cases {
				if !checkedEdDSA(id, label) {
					continue
				}
				system, dropped := loose, []string{signatureLabel, label}
				if alone[label] {
					system, dropped = full, []string{label}
				}
				a := newEdDSAAssignment(t, id)
				lie(a)
				if solves(t, system, a.full()) {
					t.Errorf("%q: the lie passes with the assertion", label)
				}
				without, _ := compileWithout(t, id, dropped...)
				if !solves(t, without, a.full()) {
					t.Errorf("%q: the lie fails without the assertion, so something else refuses it", label)
				}
			}
		})
	}
}

// checkedEdDSA says which labels are tried, one by one. Windows and bits are
// alike; the deep check tries every one of them, for both capacities.
func checkedEdDSA(id zkkex.CircuitID, label string) bool {
	if os.Getenv("ZKKEX_DEEP") != "" {
		return true
	}
	if id != zkkex.EdDSA20 {
		return label == signatureLabel
	}
	for _, kind := range []string{
		"key: ", "signature: ", "membership: ", "nullifier: ", "slot: slot and rest", "slot: bit 31",
		"response: window 0 ", "response: window 82 ", "response: top", "response: sign",
		"challenge: within", "challenge: bit 0 ", "challenge: bit 1 ", "challenge: bit 4 ", "challenge: bit 5 ",
		"challenge: bit 189 ", "challenge: bit 190 ", "challenge: bit 251 ", "challenge: bit 252 ", "challenge: bit 253 ",
	} {
		if strings.HasPrefix(label, kind) {
			return true
		}
	}
	return false
}

// Witnesses that somebody might come with who has no signature, or another one.
func TestEdDSARefusesWrongWitnesses(t *testing.T) {
	id := zkkex.EdDSA20
	full, _ := compileWithout(t, id)
	loose, _ := compileWithout(t, id, signatureLabel)
	for name, c := range map[string]struct {
		change func(a *eddsaAssignment)
		// loose says that nothing but the signature is wrong.
		loose bool
	}{
		"another s":       {func(a *eddsaAssignment) { a.digits.set(40, digit(flippedDigit(a))) }, true},
		"-s":              {func(a *eddsaAssignment) { one := field.FromUint64(1); a.plus.Sub(&one, &a.plus) }, true},
		"another e":       {func(a *eddsaAssignment) { one := field.FromUint64(1); a.challenge[3].Sub(&one, &a.challenge[3]) }, true},
		"another binding": {func(a *eddsaAssignment) { a.inputs[public.Binding] = randomElement(t) }, true},
		"-A, with its own leaf": {func(a *eddsaAssignment) {
			a.eighth.x.Neg(&a.eighth.x) // the leaf is the same
		}, true},
		"another key, with its own leaf": {func(a *eddsaAssignment) {
			a.eighth = newEdDSAAssignment(t, id).eighth
			a.complete(t)
		}, true},
		"a signature by a key that is no member": {func(a *eddsaAssignment) { a.sign(t, newEdDSAKey(t), a.inputs[public.Binding]) }, false},
		"an eighth off the curve": {func(a *eddsaAssignment) {
			a.eighth = point{x: randomElement(t), y: randomElement(t)}
			a.complete(t)
		}, false},
		"the identity":         {func(a *eddsaAssignment) { a.useKey(t, point{y: field.FromUint64(1)}) }, false},
		"an eighth of order 2": {func(a *eddsaAssignment) { a.useKey(t, torsionPoint(t, 2)) }, false},
		"an eighth of order 4": {func(a *eddsaAssignment) { a.useKey(t, torsionPoint(t, 4)) }, false},
		"an eighth of order 8": {func(a *eddsaAssignment) { a.useKey(t, torsionPoint(t, 8)) }, false},
		"a leaf of type 1": {func(a *eddsaAssignment) {
			a.completeStatement(t, field.Leaf(1, a.key().y, field.HashNullifierKey(a.nk)))
		}, false},
		"another nk in the leaf":  {func(a *eddsaAssignment) { a.nk = randomElement(t) }, false},
		"a challenge of all ones": {func(a *eddsaAssignment) { a.challenge = repeatBit(1) }, false},
	} {
		a := newEdDSAAssignment(t, id)
		c.change(a)
		if solves(t, full, a.full()) {
			t.Errorf("%s: accepted", name)
		}
		if got := solves(t, loose, a.full()); got != c.loose {
			t.Errorf("%s: without the assertion about the signature accepted: %v, expected %v", name, got, c.loose)
		}
	}
}

// A leaf of type 4 is no member for the other circuit, whose relation its key's
// owner would satisfy.
func TestBabyJubjubRefusesALeafOfEdDSA(t *testing.T) {
	system, err := Compile(zkkex.BabyJubjub20)
	if err != nil {
		t.Fatal(err)
	}
	a := newAssignment(t, zkkex.BabyJubjub20)
	a.completeStatement(t, field.Leaf(uint16(zkkex.KeyEdDSA), a.digits.fixedBaseY(), field.HashNullifierKey(a.nk)))
	if solves(t, system, a.circuit()) {
		t.Error("accepted")
	}
}

// One signature has several witnesses: an eighth that differs by a point of small
// order, and digits that stand for s plus the order. They are worth no more than
// one, as the nullifier depends on nk alone.
func TestEdDSAWitnessesOfOneSignature(t *testing.T) {
	full, _ := compileWithout(t, zkkex.EdDSA20)
	a := newEdDSAAssignment(t, zkkex.EdDSA20)
	nullifier := a.inputs[public.Nullifier]
	a.eighth = addPoints(a.eighth, torsionPoint(t, 8))
	if !solves(t, full, a.full()) || a.inputs[public.Nullifier] != nullifier {
		t.Error("an eighth with a component of small order, of the same key, is refused")
	}
}

// The integers behind multiplyKey: no step that uses the chord formula is
// degenerate, and with one more such step one could be.
func TestMultiplyKeyStaysBelowTheOrder(t *testing.T) {
	l, one := order(), big.NewInt(1)
	low, high := big.NewInt(2), big.NewInt(2) // n_0
	for i := range incompleteSteps + 1 {
		twice := new(big.Int).Add(new(big.Int).Lsh(high, 1), one)
		if safe := low.Cmp(one) > 0 && twice.Cmp(l) < 0; safe != (i < incompleteSteps) {
			t.Fatalf("step %d: n is between %v and %v, safe: %v", i, low, high, safe)
		}
		low = new(big.Int).Sub(new(big.Int).Lsh(low, 1), one)
		high = twice
	}
}

// The window's numbers: offset + r fits into the bits, and 2^253 + offset is a
// multiple of the order.
func TestChallengeWindow(t *testing.T) {
	w := challengeWindow()
	n := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), ChallengeBits-1), w.offsetInt)
	if n.Mod(n, order()).Sign() != 0 || w.offsetInt.Sign() <= 0 {
		t.Error("the offset is wrong")
	}
	if last := new(big.Int).Add(w.offsetInt, fr.Modulus()); last.BitLen() > ChallengeBits {
		t.Error("the window does not fit")
	}
	if w.lower >= w.upper {
		t.Error("the window is empty")
	}
}

// torsionPoint returns a point of order 2, 4 or 8.
func torsionPoint(t *testing.T, order int64) point {
	t.Helper()
	for y := byte(2); ; y++ {
		var p babyjubjub.Point
		if _, err := p.SetBytes(append([]byte{y}, make([]byte, 31)...)); err != nil || !p.IsOnCurve() {
			continue
		}
		p.ScalarMultiplication(&p, babyjubjub.Order())
		var q babyjubjub.Point
		if q.ScalarMultiplication(&p, big.NewInt(4)); q.IsZero() {
			continue // not of order 8
		}
		p.ScalarMultiplication(&p, big.NewInt(8/order))
		return point{x: p.X, y: p.Y}
	}
}

func addPoints(p, q point) point {
	a, b := babyjubjub.Point{X: p.x, Y: p.y}, babyjubjub.Point{X: q.x, Y: q.y}
	a.Add(&a, &b)
	return point{x: a.X, y: a.Y}
}

// useKey takes another eighth, with the leaf of its key.
func (a *eddsaAssignment) useKey(t *testing.T, eighth point) {
	t.Helper()
	a.eighth = eighth
	a.complete(t)
}

func (a *eddsaAssignment) key() point { return doublePoint(doublePoint(doublePoint(a.eighth))) }

// flippedDigit returns digit 40 with its sign changed, as 0 to 7.
func flippedDigit(a *eddsaAssignment) uint8 {
	if a.digits.sign[40].IsZero() {
		return 4
	}
	return 3
}

func repeatBit(v uint64) (out [ChallengeBits]field.Element) {
	for i := range out {
		out[i] = field.FromUint64(v)
	}
	return out
}
