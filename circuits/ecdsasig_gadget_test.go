package circuits

import (
	"math/big"
	"os"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark/constraint"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/constraint/solver"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"

	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/eckey"
)

// labelled is a builder that leaves out the assertions of one kind, with what the
// arithmetic asserts for them, and counts all labels.
type labelled struct {
	frontend.Builder[constraint.U64]
	drop   string
	labels map[string]int
}

func (l *labelled) keep(label string) bool {
	l.labels[label]++
	return l.drop == "" || kindOf(label) != l.drop
}

// Commit makes the builder one that commits, which the embedded interface hides.
func (l *labelled) Commit(v ...frontend.Variable) (frontend.Variable, error) {
	return l.Builder.(frontend.Committer).Commit(v...)
}

func (l *labelled) new(f *big.Int, config frontend.CompileConfig) (frontend.Builder[constraint.U64], error) {
	b, err := r1cs.NewBuilder[constraint.U64](f, config)
	l.Builder, l.labels = b, make(map[string]int)
	return l, err
}

// A lie is a gadget with an assignment that violates one kind of assertion and
// nothing else.
type gadgetLie struct {
	gadget, assignment frontend.Circuit
	// hints are what a liar computes in place of hints.
	hints []solver.Option
}

// quickKinds are those that are tried without ZKKEX_DEEP=1: the ones that keep
// strangers out.
var quickKinds = map[string]bool{
	labelDistinct: true, labelChord: true, "a: not 0": true, "b: not 0": true, "nonce: on the curve": true,
	"nonce: x: upper half and rest": true, "digest: its hash is the public input": true,
}

// Each assertion is there for a reason: without it, and only without it, a lie
// passes.
func TestEverySignatureAssertionIsNeeded(t *testing.T) {
	for _, curve := range sigCurves {
		t.Run(curve.String(), func(t *testing.T) {
			t.Parallel()
			for kind, lie := range gadgetLies(t, curve) {
				if !quickKinds[kind] && os.Getenv("ZKKEX_DEEP") == "" {
					continue
				}
				full := compileGadget(t, lie.gadget, (&labelled{}).new)
				if solvesLying(t, full, lie.assignment, lie.hints) {
					t.Errorf("%q: the lie passes with the assertion", kind)
				}
				without := compileGadget(t, lie.gadget, (&labelled{drop: kind}).new)
				if !solvesLying(t, without, lie.assignment, lie.hints) {
					t.Errorf("%q: the lie fails without the assertion, so something else refuses it", kind)
				}
			}
		})
	}
}

func solvesLying(t *testing.T, system *cs.R1CS, assignment frontend.Circuit, hints []solver.Option) bool {
	t.Helper()
	w, err := frontend.NewWitness(assignment, ecc.BN254.ScalarField())
	if err != nil {
		t.Fatal(err)
	}
	return system.IsSolved(w, hints...) == nil
}

// digestGadget is the part of the relation about the digest.
type digestGadget struct {
	Binding   frontend.Variable `gnark:",public"`
	Signature ECDSAWires
	curve     eckey.Curve
}

func (g *digestGadget) Define(api frontend.API) error {
	h, err := newHasher(api)
	if err != nil {
		return err
	}
	_, err = newSignatureGadget(api, g.curve).assertDigest(h, &g.Signature, g.Binding)
	return err
}

// pointGadget is that about one point.
type pointGadget struct {
	Point ECPointWires
	what  string
	curve eckey.Curve
}

func (g *pointGadget) Define(api frontend.API) error {
	newSignatureGadget(api, g.curve).assertPoint(g.what, &g.Point)
	return nil
}

// multiplierGadget is that about a, b, c and t.
type multiplierGadget struct {
	Signature ECDSAWires
	curve     eckey.Curve
}

func (g *multiplierGadget) Define(api frontend.API) error {
	s, w := newSignatureGadget(api, g.curve), &g.Signature
	r, _, _ := s.halves("r", w.Nonce.XUpper[:], w.Nonce.XLower[:])
	e, _, _ := s.halves("e", w.DigestUpper[:], w.DigestLower[:])
	s.assertMultipliers(w, r, e)
	return nil
}

// sumGadget asserts that Sum is P + Q, or 2P if doubling.
type sumGadget struct {
	P, Q, Sum ECPointWires
	doubling  bool
	curve     eckey.Curve
}

func (g *sumGadget) Define(api frontend.API) error {
	s := newSignatureGadget(api, g.curve)
	read := func(w *ECPointWires) ecPoint {
		x, _, _ := s.halves("given", w.XUpper[:], w.XLower[:])
		return ecPoint{x, s.points.fromChunks("given", w.Y[:])}
	}
	p, q := read(&g.P), read(&g.Q)
	line := ecLine{}
	if g.doubling {
		line = s.points.double(p)
	} else {
		line = s.points.plus(s.points.line(p), q)
	}
	sum, want := s.points.explicit(line), read(&g.Sum)
	s.points.assertZero("given: x", s.points.expression(times(1, sum.x), times(-1, want.x)))
	s.points.assertZero("given: y", s.points.expression(times(1, sum.y), times(-1, want.y)))
	return nil
}

// gadgetLies returns a lie for each kind of assertion about a signature.
func gadgetLies(t *testing.T, curve eckey.Curve) map[string]gadgetLie {
	t.Helper()
	c := sigCurveOf(curve)
	lies := make(map[string]gadgetLie)
	digestLies(t, c, curve, lies)
	pointLies(t, c, curve, "key", lies)
	pointLies(t, c, curve, "nonce", lies)
	multiplierLies(t, c, curve, lies)
	sumLies(t, c, curve, lies)
	return lies
}

// carried moves a unit from one chunk to the one below: the number is the same.
func carried(chunks []frontend.Variable) {
	unit := power2(sigLayout.chunkBits)
	chunks[0] = new(big.Int).Add(chunks[0].(*big.Int), unit)
	chunks[1] = new(big.Int).Sub(chunks[1].(*big.Int), big.NewInt(1))
}

func digestLies(t *testing.T, c *sigCurve, curve eckey.Curve, lies map[string]gadgetLie) {
	_, o := c.opened(t, 0, 0)
	e := new(big.Int).Sub(power2(scalarBits), big.NewInt(3))
	add := func(kind string, binding frontend.Variable, change func(w *ECDSAWires)) {
		w := c.wires(o, e)
		change(&w)
		lies[kind] = gadgetLie{gadget: &digestGadget{curve: curve}, assignment: &digestGadget{Binding: binding, Signature: w}}
	}
	add("digest: its hash is the public input", randomElement(t), func(*ECDSAWires) {})
	add("digest: lower chunks", hashHalves(domain.SignedDigest, e), func(w *ECDSAWires) { carried(w.DigestLower[:]) })
	add("digest: upper chunks", hashHalves(domain.SignedDigest, e), func(w *ECDSAWires) { carried(w.DigestUpper[:]) })
	upper, lower := new(big.Int).DivMod(e, power2(coordinateHalf), new(big.Int))
	upper.Sub(upper, big.NewInt(1))
	lower.Add(lower, power2(coordinateHalf))
	add("digest: highest of the lower chunks", hashPair(domain.SignedDigest, upper, lower), func(w *ECDSAWires) {
		setChunks(w.DigestUpper[:], upper)
		setChunks(w.DigestLower[:], lower)
	})
}

func pointLies(t *testing.T, c *sigCurve, curve eckey.Curve, what string, lies map[string]gadgetLie) {
	one, unit := big.NewInt(1), power2(coordinateHalf)
	last := new(big.Int).Sub(c.p, one)
	top, bottom := new(big.Int).DivMod(last, unit, new(big.Int))
	add := func(kind string, p curvePoint, change func(w *ECPointWires)) {
		var w ECPointWires
		c.setPoint(&w, p)
		change(&w)
		lies[what+": "+kind] = gadgetLie{gadget: &pointGadget{what: what, curve: curve}, assignment: &pointGadget{Point: w}}
	}
	// A point whose lower half is below that of p - 1, with an upper half far below.
	p := c.lift(new(big.Int).Lsh(one, 200))
	hi, lo := new(big.Int).DivMod(p.x, unit, new(big.Int))
	off := curvePoint{p.x, new(big.Int).Add(p.y, one)}
	add("on the curve", off, func(*ECPointWires) {})
	add("x: lower chunks", p, func(w *ECPointWires) { carried(w.XLower[:]) })
	add("x: upper chunks", p, func(w *ECPointWires) { carried(w.XUpper[:]) })
	add("chunks of y", p, func(w *ECPointWires) { carried(w.Y[:]) })
	add("x: lower chunks of the rest", p, func(w *ECPointWires) { carried(w.RestLower[:]) })
	add("x: upper chunks of the rest", p, func(w *ECPointWires) { carried(w.RestUpper[:]) })
	add("x: lower half and rest", p, func(w *ECPointWires) { setChunks(w.RestLower[:], one) })
	add("x: upper half and rest", p, func(w *ECPointWires) { setChunks(w.RestUpper[:], one) })
	add("x: borrow is boolean", p, func(w *ECPointWires) {
		rest := new(big.Int).Sub(bottom, lo)
		setChunks(w.RestLower[:], rest.Add(rest, new(big.Int).Lsh(unit, 1)))
		rest = new(big.Int).Sub(top, hi)
		setChunks(w.RestUpper[:], rest.Sub(rest, big.NewInt(2)))
		w.Borrow = 2
	})
	add("x: highest of the lower chunks", p, func(w *ECPointWires) {
		setChunks(w.XUpper[:], new(big.Int).Sub(hi, one))
		setChunks(w.XLower[:], new(big.Int).Add(lo, unit))
		setChunks(w.RestLower[:], new(big.Int).Sub(bottom, lo))
		setChunks(w.RestUpper[:], new(big.Int).Sub(top, hi))
		w.Borrow = 1
	})
	// The square is a reduction, whose hint a liar may answer: with the square that
	// a point off the curve would need, and with a chunk too large.
	needed := new(big.Int).Mul(off.y, off.y)
	needed.Sub(needed, c.b).Sub(needed, new(big.Int).Mul(c.a, off.x)).Mul(needed, new(big.Int).ModInverse(off.x, c.p))
	needed.Mod(needed, c.p)
	add("on the curve: square of x", off, func(*ECPointWires) {})
	answer(lies, what+": on the curve: square of x", remainderHint, func([]*big.Int) []*big.Int { return chunksOf(needed) })
	add("on the curve: square of x: chunks", p, func(*ECPointWires) {})
	square := new(big.Int).Mul(p.x, p.x)
	answer(lies, what+": on the curve: square of x: chunks", remainderHint, func([]*big.Int) []*big.Int { return carriedOf(square.Mod(square, c.p)) })
}

// answer has a liar answer a hint.
func answer(lies map[string]gadgetLie, kind string, h solver.Hint, with func(inputs []*big.Int) []*big.Int) {
	lie := lies[kind]
	lie.hints = append(lie.hints, solver.OverrideHint(solver.GetHintID(h), func(_ *big.Int, inputs, outputs []*big.Int) error {
		for i, v := range with(inputs) {
			outputs[i].Set(v)
		}
		return nil
	}))
	lies[kind] = lie
}

// chunksOf returns a number's chunks.
func chunksOf(v *big.Int) []*big.Int {
	wires := make([]frontend.Variable, sigChunks)
	setChunks(wires, v)
	return integers(wires)
}

// carriedOf returns a number's chunks, one of them too large.
func carriedOf(v *big.Int) []*big.Int {
	wires := make([]frontend.Variable, sigChunks)
	setChunks(wires, v)
	carried(wires)
	return integers(wires)
}

func integers(wires []frontend.Variable) []*big.Int {
	out := make([]*big.Int, len(wires))
	for i, w := range wires {
		out[i] = w.(*big.Int)
	}
	return out
}

func multiplierLies(t *testing.T, c *sigCurve, curve eckey.Curve, lies map[string]gadgetLie) {
	sig, o := c.opened(t, 0, 0)
	add := func(kind string, change func(o *openedSignature), rewire func(w *ECDSAWires)) {
		copied := *o
		change(&copied)
		w := c.wires(&copied, sig.e)
		rewire(&w)
		lies[kind] = gadgetLie{gadget: &multiplierGadget{curve: curve}, assignment: &multiplierGadget{Signature: w}}
	}
	same, asIs := func(*openedSignature) {}, func(*ECDSAWires) {}
	add("multiplier: chunks", same, func(w *ECDSAWires) { carried(w.Multiplier[:]) })
	add("a: multiplier times r", func(o *openedSignature) { o.a = big.NewInt(7) }, asIs)
	add("c: multiplier times digest", func(o *openedSignature) { o.c = big.NewInt(7) }, asIs)
	add("b: not 0", func(o *openedSignature) { o.b = new(big.Int) }, asIs)
	// Nobody knows the discrete logarithm of a point with r = 0, but ECDSA refuses it.
	add("a: not 0", func(o *openedSignature) { o.a, o.nonce = new(big.Int), curvePoint{new(big.Int), o.nonce.y} }, asIs)
	for what, bits := range map[string]func(w *ECDSAWires) []frontend.Variable{
		"a": func(w *ECDSAWires) []frontend.Variable { return w.A[:] },
		"b": func(w *ECDSAWires) []frontend.Variable { return w.B[:] },
		"c": func(w *ECDSAWires) []frontend.Variable { return w.C[:] },
	} {
		add(what+": bits are boolean", same, func(w *ECDSAWires) {
			b := bits(w)
			b[0], b[1] = int(b[0].(uint))+2, int(b[1].(uint))-1
		})
	}
	// An odd number less 2, with 2 in place of the bit.
	add("a: even is boolean", func(o *openedSignature) { o.a = new(big.Int).Sub(o.a, big.NewInt(2)) }, func(w *ECDSAWires) { w.AEven = 2 })
	add("b: even is boolean", func(o *openedSignature) { o.b = new(big.Int).Sub(o.b, big.NewInt(2)) }, func(w *ECDSAWires) { w.BEven = 2 })
}

func sumLies(t *testing.T, c *sigCurve, curve eckey.Curve, lies map[string]gadgetLie) {
	p, q := c.times(c.base, randomBelow(t, c.n)), c.times(c.base, randomBelow(t, c.n))
	add := func(kind string, doubling bool, p, q, sum curvePoint) {
		var w [3]ECPointWires
		for i, point := range []curvePoint{p, q, sum} {
			c.setPoint(&w[i], point)
		}
		lies[kind] = gadgetLie{
			gadget:     &sumGadget{doubling: doubling, curve: curve},
			assignment: &sumGadget{P: w[0], Q: w[1], Sum: w[2]},
		}
	}
	// through returns what comes of a slope, whether it is that of the line or not.
	through := func(slope *big.Int, p, q curvePoint) curvePoint { return c.third(p, q, slope, big.NewInt(1)) }
	slope := big.NewInt(12345)
	add(labelChord, false, p, q, through(slope, q, p))
	answer(lies, labelChord, ratioHint, func([]*big.Int) []*big.Int { return chunksOf(slope) })
	add(labelTangent, true, p, q, through(slope, p, p))
	answer(lies, labelTangent, ratioHint, func([]*big.Int) []*big.Int { return chunksOf(slope) })
	// The sum of a point and itself, by a chord: any slope, and so any sum.
	add(labelDistinct, false, p, p, through(slope, p, p))
	answer(lies, labelDistinct, ratioHint, func([]*big.Int) []*big.Int { return chunksOf(slope) })

	sum, double := c.sum(p, q), c.sum(p, p)
	add(labelChord+": chunks", false, p, q, sum)
	answer(lies, labelChord+": chunks", ratioHint, func([]*big.Int) []*big.Int {
		return carriedOf(ratioOf(new(big.Int).Sub(q.y, p.y), new(big.Int).Sub(q.x, p.x), c.p))
	})
	add(labelTangent+": chunks", true, p, q, double)
	tangent := new(big.Int).Mul(p.x, p.x)
	tangent.Mul(tangent, big.NewInt(3)).Add(tangent, c.a)
	answer(lies, labelTangent+": chunks", ratioHint, func([]*big.Int) []*big.Int {
		return carriedOf(ratioOf(tangent, new(big.Int).Lsh(p.y, 1), c.p))
	})

	// The remainders of a sum are x and then y.
	lambda := ratioOf(new(big.Int).Sub(q.y, p.y), new(big.Int).Sub(q.x, p.x), c.p)
	yAt := func(x *big.Int) *big.Int {
		y := new(big.Int).Sub(q.x, x)
		y.Mul(y, lambda).Sub(y, q.y)
		return y.Mod(y, c.p)
	}
	other := big.NewInt(99)
	add(labelX, false, p, q, curvePoint{other, yAt(other)})
	remainders(lies, labelX, c, sum, chunksOf(other), chunksOf(yAt(other)))
	add(labelX+": chunks", false, p, q, sum)
	remainders(lies, labelX+": chunks", c, sum, carriedOf(sum.x), chunksOf(sum.y))
	large := new(big.Int).Add(sum.x, new(big.Int).Lsh(c.p, 1))
	add(labelX+": 256 bits", false, p, q, sum)
	remainders(lies, labelX+": 256 bits", c, sum, chunksOf(large), chunksOf(sum.y))
	add(labelY, false, p, q, curvePoint{sum.x, other})
	remainders(lies, labelY, c, sum, chunksOf(sum.x), chunksOf(other))
	add(labelY+": chunks", false, p, q, sum)
	remainders(lies, labelY+": chunks", c, sum, chunksOf(sum.x), carriedOf(sum.y))
}

// remainders answers the two reductions of a sum: that of x, which is congruent to
// the sum's, and that of y.
func remainders(lies map[string]gadgetLie, kind string, c *sigCurve, sum curvePoint, x, y []*big.Int) {
	answer(lies, kind, remainderHint, func(inputs []*big.Int) []*big.Int {
		h := readHint(ecc.BN254.ScalarField(), inputs)
		v := h.integer(h.values)
		if v.Mod(v, c.p).Cmp(sum.x) == 0 {
			return x
		}
		return y
	})
}

// ratioOf returns num/den modulo p.
func ratioOf(num, den, p *big.Int) *big.Int {
	out := new(big.Int).ModInverse(new(big.Int).Mod(den, p), p)
	return out.Mul(out, num).Mod(out, p)
}
