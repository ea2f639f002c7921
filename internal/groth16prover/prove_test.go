package groth16prover

import (
	"errors"
	"sync"
	"testing"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/pedersen"
	"github.com/consensys/gnark/backend/witness"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/groth16"
	"github.com/zkkex/zkkex/internal/race"
)

type (
	proved        = *groth16.Proof
	commitmentKey = pedersen.ProvingKey
)

// with returns a source of one blinding.
func with(b blinding) func() (*blinding, error) {
	return func() (*blinding, error) { return &b, nil }
}

func fixed(t *testing.T) blinding {
	t.Helper()
	b, err := newBlinding()
	if err != nil {
		t.Fatal(err)
	}
	return *b
}

// TestCircuits proves with the native circuits: first and last slot, smallest and
// largest limit, random statements; in full without tables, with them, and in a
// session. Each proof verifies with gnark, and for the same blinding all three
// are the same.
func TestCircuits(t *testing.T) {
	for _, id := range []zkkex.CircuitID{zkkex.BabyJubjub20, zkkex.BabyJubjub32, zkkex.EdDSA20} {
		f := load(t, id)
		session := f.key.NewSession()
		statements := []statement{
			{limit: 1}, {limit: 1, scope: zkkex.Scope{0xff}}, {slot: 1<<32 - 2, limit: 1<<32 - 1}, {slot: 0, limit: 1<<32 - 1}, randomStatement(), randomStatement(),
		}
		if race.Enabled {
			statements = statements[:1] // the others take no other paths through goroutines
		}
		for _, st := range statements {
			w, b := f.witness(t, st), fixed(t)
			want, err := f.plain.prove(w, f.plain, with(b))
			if err != nil {
				t.Fatal(err)
			}
			if err := f.verify(want, w); err != nil {
				t.Errorf("%v, %+v: %v", id, st, err)
			}
			for name, sum := range map[string]summer{"tables": f.key, "session": session} {
				got, err := f.key.prove(w, sum, with(b))
				if err != nil {
					t.Fatal(err)
				}
				if *got != *want {
					t.Errorf("%v, %+v: with %s the proof differs", id, st, name)
				}
			}
		}
		session.Close()
	}
}

// TestSumsAreGnarks compares each sum with gnark-crypto's, for a full sum and
// for one by differences.
func TestSumsAreGnarks(t *testing.T) {
	f := load(t, zkkex.BabyJubjub20)
	session := f.key.NewSession()
	defer session.Close()
	for range 2 {
		solution, err := f.key.solve(f.witness(t, randomStatement()), f.key)
		if err != nil {
			t.Fatal(err)
		}
		values := func(wires []int32) (out []fr.Element) {
			for _, wire := range wires {
				out = append(out, solution.W[wire])
			}
			return out
		}
		want := wireSums{
			a:  reference1(t, f.proving.G1.A, values(f.key.wiresA)),
			b1: reference1(t, f.proving.G1.B, values(f.key.wiresB)),
			k:  reference1(t, f.proving.G1.K, values(f.key.wiresK)),
			b2: reference2(t, f.proving.G2.B, values(f.key.wiresB)),
		}
		for name, sum := range map[string]summer{"full": f.plain, "session": session} {
			got, err := sum.sum(solution)
			if err != nil {
				t.Fatal(err)
			}
			if !got.a.Equal(&want.a) || !got.b1.Equal(&want.b1) || !got.k.Equal(&want.k) || !got.b2.Equal(&want.b2) {
				t.Errorf("%s: the sums are not gnark's", name)
			}
		}
	}
}

// reused names what proofs have in common that must be fresh in each. The sums
// of the wires are taken off first, so that it sees a blinding that comes back
// with another statement.
func reused(k *Key, proofs []proved, sums []*wireSums) string {
	a, b, c := map[curve.G1Affine]bool{}, map[curve.G2Affine]bool{}, map[curve.G1Affine]bool{}
	for i, proof := range proofs {
		var blindA curve.G1Jac
		var blindB curve.G2Jac
		blindA.FromAffine(&proof.A).SubAssign(&sums[i].a)
		blindB.FromAffine(&proof.B).SubAssign(&sums[i].b2)
		a[*new(curve.G1Affine).FromJacobian(&blindA)] = true
		b[*new(curve.G2Affine).FromJacobian(&blindB)] = true
		c[proof.C] = true
	}
	switch n := len(proofs); {
	case len(a) != n:
		return "r"
	case len(b) != n:
		return "s"
	case len(c) != n:
		return "C"
	case a[k.points.G1.Alpha] || b[k.points.G2.Beta]:
		return "no blinding"
	}
	return ""
}

// TestBlindingIsFresh proves one statement many times and others between, in one
// session and in full, and finds that no blinding comes twice. The planted
// faults show that it would be found.
func TestBlindingIsFresh(t *testing.T) {
	s := newSmall(t)
	session := s.key.NewSession()
	defer session.Close()
	witnesses := []witness.Witness{s.witness(t, 0.5, fr.One()), s.witness(t, 0.5, randomScalars(1)[0])}
	r, other := fixed(t), fixed(t)
	for _, test := range []struct {
		want  string
		blind func(i int) (*blinding, error)
	}{
		{"", func(int) (*blinding, error) { return newBlinding() }},
		{"r", func(i int) (*blinding, error) { b, err := newBlinding(); b.r = r.r; return b, err }},
		{"s", func(i int) (*blinding, error) { b, err := newBlinding(); b.s = r.s; return b, err }},
		{"r", func(i int) (*blinding, error) { return &blinding{[]fr.Element{r.r, other.r}[i/2%2], fixed(t).s}, nil }},
	} {
		var proofs []proved
		var sums []*wireSums
		for i := range 8 {
			w := witnesses[i%2]
			sum := summer(s.key)
			if i >= 4 {
				sum = session
			}
			proof, err := s.key.prove(w, sum, func() (*blinding, error) { return test.blind(i) })
			if err != nil {
				t.Fatal(err)
			}
			solution, err := s.key.solve(w, s.key)
			if err != nil {
				t.Fatal(err)
			}
			full, err := s.key.sum(solution)
			if err != nil {
				t.Fatal(err)
			}
			proofs, sums = append(proofs, proof), append(sums, full)
		}
		if got := reused(s.key, proofs, sums); got != test.want {
			t.Errorf("reused: %q, want %q", got, test.want)
		}
	}
}

// A random source that fails makes no proof.
func TestRandomSourceFails(t *testing.T) {
	s := newSmall(t)
	failure := errors.New("planted")
	proof, err := s.key.prove(s.witness(t, 1, fr.One()), s.key, func() (*blinding, error) { return nil, failure })
	if !errors.Is(err, failure) || proof != nil {
		t.Errorf("%v, %v; want %v", proof, err, failure)
	}
}

// The public entry points draw their blinding from newBlinding.
func TestProofsOfOneStatementDiffer(t *testing.T) {
	s := newSmall(t)
	session := s.key.NewSession()
	defer session.Close()
	w := s.witness(t, 0.5, fr.One())
	var proofs []proved
	for _, prove := range []func(witness.Witness) (proved, error){s.key.Prove, s.key.Prove, session.Prove, session.Prove, session.Prove} {
		proof, err := prove(w)
		if err != nil {
			t.Fatal(err)
		}
		for _, before := range proofs {
			if before.A == proof.A || before.B == proof.B || before.C == proof.C {
				t.Error("two proofs of a statement share a point")
			}
		}
		proofs = append(proofs, proof)
	}
}

// TestConcurrentSession proves in one session at once, while tables are made,
// and closes it midway: every proof verifies or was refused for that.
func TestConcurrentSession(t *testing.T) {
	s := newSmall(t)
	session := s.key.NewSession()
	var wg sync.WaitGroup
	wg.Go(s.key.Precompute)
	for i := range 24 {
		w := s.witness(t, 0.5, randomScalars(1)[0])
		wg.Go(func() {
			if i == 12 {
				session.Close()
			}
			proof, err := session.Prove(w)
			if errors.Is(err, ErrClosed) {
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
			if err := verify(proof, &s.verifying, w); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if _, err := session.Prove(s.witness(t, 0, fr.One())); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v, want %v", err, ErrClosed)
	}
}

// Close leaves nothing of what the session kept.
func TestCloseWipes(t *testing.T) {
	s := newSmall(t)
	session := s.key.NewSession()
	if _, err := session.Prove(s.witness(t, 0.5, randomScalars(1)[0])); err != nil {
		t.Fatal(err)
	}
	kept := session.base
	wires := kept.wires
	nonZero := func() (n int) {
		for i := range wires {
			if !wires[i].IsZero() {
				n++
			}
		}
		return n
	}
	if nonZero() < 20 || kept.sums == (wireSums{}) {
		t.Fatal("the session kept nothing")
	}
	session.Close()
	session.Close()
	if nonZero() != 0 || kept.sums != (wireSums{}) || kept.wires != nil || session.base != nil {
		t.Error("something is left after Close")
	}
}

// Whoever proves often gets tables without asking.
func TestPrecomputesByItself(t *testing.T) {
	s := newSmall(t)
	w := s.witness(t, 0.5, fr.One())
	for i := range precomputeAfter {
		if s.key.bases.Load().z.span != 0 {
			t.Fatalf("tables after %d proofs", i)
		}
		if _, err := s.key.Prove(w); err != nil {
			t.Fatal(err)
		}
	}
	s.key.Precompute() // waits for the one in the background
	tables := s.key.bases.Load()
	if tables.z.span != quotientSpan || tables.b2.span != wireSpan {
		t.Error("no tables")
	}
	size := curve.SizeOfG1AffineUncompressed*(len(tables.a.points)+len(tables.b.points)+len(tables.k.points)+len(tables.z.points)) +
		curve.SizeOfG2AffineUncompressed*len(tables.b2.points)
	if got := s.key.TableSize(); got != size {
		t.Errorf("the tables take %d bytes, TableSize says %d", size, got)
	}
}

// TestCounts guards, by counts and not by time, what makes proofs cheap: few
// wires change from one slot to the next, and tables are of bounded size.
func TestCounts(t *testing.T) {
	f := load(t, zkkex.BabyJubjub20)
	scope := randomStatement().scope
	var wires [2][]fr.Element
	for i := range wires {
		solution, err := f.key.solve(f.witness(t, statement{scope: scope, slot: uint32(i), limit: 16, binding: zkkex.Binding{byte(i)}}), f.key)
		if err != nil {
			t.Fatal(err)
		}
		wires[i] = solution.W
	}
	var changes []fr.Element
	for i := range wires[0] {
		if !wires[0][i].Equal(&wires[1][i]) {
			changes = append(changes, *new(fr.Element).Sub(&wires[1][i], &wires[0][i]))
		}
	}
	t.Logf("%d of %d wires change, and weigh as much as %d random ones of %d; tables of %d bytes",
		len(changes), len(wires[0]), weight(changes), weight(wires[0]), f.key.TableSize())
	if limit := len(wires[0]) / 10; len(changes) > limit {
		t.Errorf("%d wires change, expected at most %d", len(changes), limit)
	}
	if size := f.key.TableSize(); size > 20<<20 {
		t.Errorf("the tables take %d bytes, expected at most 20 MiB", size)
	}
}
