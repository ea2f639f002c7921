package groth16

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	gnark "github.com/consensys/gnark/backend/groth16/bn254"
	cs_bn254 "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"
	"github.com/consensys/gnark/logger"
	"github.com/consensys/gnark/std/rangecheck"

	"github.com/zkkex/zkkex/internal/field"
)

// ranged is powers with a secret below 2^40, which takes gnark's range check and
// so a commitment.
type ranged powers

func (c *ranged) Define(api frontend.API) error {
	rangecheck.New(api).Check(c.Secret, 40)
	return (*powers)(c).Define(api)
}

// publishing commits to a public input as well.
type publishing powers

func (c *publishing) Define(api frontend.API) error {
	challenge, err := api.(frontend.Committer).Commit(c.Secret, c.Public[1])
	if err != nil {
		return err
	}
	api.AssertIsDifferent(challenge, 0)
	return (*powers)(c).Define(api)
}

// committedFixture is one real setup by gnark of a circuit with a commitment, and
// proofs by gnark of two statements.
type committedFixture struct {
	vk     *gnark.VerifyingKey
	encVK  []byte
	claims [4]Claim // two for each statement
}

var sharedCommitted = sync.OnceValues(newCommittedFixture)

func newCommittedFixture() (*committedFixture, error) {
	logger.Disable()
	compiled, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, &ranged{})
	if err != nil {
		return nil, err
	}
	system := compiled.(*cs_bn254.R1CS)
	var pk gnark.ProvingKey
	f := &committedFixture{vk: new(gnark.VerifyingKey)}
	if err := gnark.Setup(system, &pk, f.vk); err != nil {
		return nil, err
	}
	var vk bytes.Buffer
	if _, err := f.vk.WriteTo(&vk); err != nil {
		return nil, err
	}
	f.encVK = vk.Bytes()
	for i := range f.claims {
		if f.claims[i], err = claimOf(system, &pk, uint64(1000+i/2)); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func claimOf(system *cs_bn254.R1CS, pk *gnark.ProvingKey, secret uint64) (Claim, error) {
	var root fr.Element
	var claim Claim
	root.SetUint64(secret)
	claim.Inputs[0].Square(&root).Square(&claim.Inputs[0]).Mul(&claim.Inputs[0], &root)
	assignment := &ranged{Secret: root}
	for i := range claim.Inputs {
		if i > 0 {
			claim.Inputs[i].SetUint64(uint64(i))
		}
		assignment.Public[i] = claim.Inputs[i]
	}
	witness, err := frontend.NewWitness(assignment, ecc.BN254.ScalarField())
	if err != nil {
		return claim, err
	}
	proof, err := gnark.Prove(system, pk, witness)
	if err != nil {
		return claim, err
	}
	claim.Proof = &Proof{A: proof.Ar, B: proof.Bs, C: proof.Krs, Commitment: &Commitment{D: proof.Commitments[0], E: proof.CommitmentPok}}
	return claim, nil
}

func loadCommitted(t testing.TB) (*committedFixture, *VerifyingKey) {
	t.Helper()
	f, err := sharedCommitted()
	if err != nil {
		t.Fatal(err)
	}
	points, err := ParsePoints(f.encVK)
	if err != nil {
		t.Fatal(err)
	}
	if points.Commitments() != 1 || !bytes.Equal(points.Bytes(), f.encVK) || len(f.encVK) != CommittedKeySize {
		t.Fatal("the encoding of the key changed on the way")
	}
	vk, err := NewVerifyingKey(points)
	if err != nil {
		t.Fatal(err)
	}
	return f, vk
}

func TestVerifyAcceptsGnarksCommittedProof(t *testing.T) {
	f, vk := loadCommitted(t)
	for _, claim := range f.claims {
		b := claim.Proof.Bytes()
		if len(b) != CommittedProofSize {
			t.Fatalf("%d bytes, expected %d", len(b), CommittedProofSize)
		}
		p, err := vk.ParseProof(b)
		if err != nil || !bytes.Equal(p.Bytes(), b) {
			t.Fatalf("the encoding changed on the way: %v", err)
		}
		if err := vk.Verify(p, claim.Inputs); err != nil {
			t.Error(err)
		}
	}
}

// faults are the ways in which a committed proof is spoiled. Each is refused, by
// gnark as by us.
func (f *committedFixture) faults(vk *VerifyingKey) map[string]func(c *Claim) {
	_, _, g1, _ := curve.Generators()
	other := f.claims[1].Proof // of the same statement as the first
	return map[string]func(c *Claim){
		"A": func(c *Claim) { c.Proof.A = randomG1(g1) },
		"C": func(c *Claim) { c.Proof.C = randomG1(g1) },
		"D": func(c *Claim) { c.Proof.Commitment.D = randomG1(g1) },
		"E": func(c *Claim) { c.Proof.Commitment.E = randomG1(g1) },
		"D negated with E": func(c *Claim) {
			c.Proof.Commitment.D.Neg(&c.Proof.Commitment.D)
			c.Proof.Commitment.E.Neg(&c.Proof.Commitment.E)
		},
		"D of another proof":       func(c *Claim) { c.Proof.Commitment.D = other.Commitment.D },
		"E of another proof":       func(c *Claim) { c.Proof.Commitment.E = other.Commitment.E },
		"D and E of another proof": func(c *Claim) { *c.Proof.Commitment = *other.Commitment },
		"D and E re-randomised": func(c *Claim) {
			k := randomScalar()
			c.Proof.Commitment.D.ScalarMultiplication(&c.Proof.Commitment.D, k)
			c.Proof.Commitment.E.ScalarMultiplication(&c.Proof.Commitment.E, k)
		},
		"D and E swapped": func(c *Claim) {
			c.Proof.Commitment.D, c.Proof.Commitment.E = c.Proof.Commitment.E, c.Proof.Commitment.D
		},
		"D and E at infinity": func(c *Claim) { *c.Proof.Commitment = Commitment{} },
		"E at infinity":       func(c *Claim) { c.Proof.Commitment.E = curve.G1Affine{} },
		// The commitment moves by a public input's point, and the input back:
		// L stays, and only challenge and proof of knowledge tell.
		"D moved by an input": func(c *Claim) {
			var one fr.Element
			one.SetOne()
			c.Inputs[1].Sub(&c.Inputs[1], &one)
			c.Proof.Commitment.D.Add(&c.Proof.Commitment.D, &vk.points.K[2])
		},
		"input": func(c *Claim) { c.Inputs[4].SetUint64(77) },
	}
}

// spoil returns a copy of a claim with a fault.
func spoil(c Claim, fault func(*Claim)) Claim {
	proof, commitment := *c.Proof, *c.Proof.Commitment
	proof.Commitment = &commitment
	c.Proof = &proof
	fault(&c)
	return c
}

func TestCommittedFaultsAreRefused(t *testing.T) {
	f, vk := loadCommitted(t)
	for name, fault := range f.faults(vk) {
		bad := spoil(f.claims[0], fault)
		if err := vk.Verify(bad.Proof, bad.Inputs); !errors.Is(err, ErrNoProof) {
			t.Errorf("%s: %v, want %v", name, err, ErrNoProof)
		}
		theirs := &gnark.Proof{
			Ar: bad.Proof.A, Bs: bad.Proof.B, Krs: bad.Proof.C,
			Commitments: []curve.G1Affine{bad.Proof.Commitment.D}, CommitmentPok: bad.Proof.Commitment.E,
		}
		if gnark.Verify(theirs, f.vk, bad.Inputs[:]) == nil {
			t.Errorf("%s: gnark accepts it", name)
		}
	}
}

// A, B and C can be re-randomised by anybody (trap B2), the commitment cannot.
func TestCommittedProofIsRerandomised(t *testing.T) {
	f, vk := loadCommitted(t)
	again := rerandomise(t, *f.claims[0].Proof, vk.points.Delta2)
	again.Commitment = f.claims[0].Proof.Commitment
	if err := vk.Verify(&again, f.claims[0].Inputs); err != nil {
		t.Error(err)
	}
}

// An exponent of 1 lets anybody move the commitment by a public input's point and
// prove knowledge of that: the equation accepts what the check of the key refuses.
func TestForgeryWithKnownExponent(t *testing.T) {
	f, vk := loadCommitted(t)
	claim := spoil(f.claims[0], func(c *Claim) {
		c.Proof.Commitment.E.Neg(&c.Proof.Commitment.D) // for the exponent -1
	})
	for _, negative := range []bool{true, false} {
		points := vk.Points()
		points.Commitment.GSigmaNeg = points.Commitment.G
		if !negative {
			points.Commitment.GSigmaNeg.Neg(&points.Commitment.G)
			claim.Proof.Commitment.E = claim.Proof.Commitment.D
		}
		if err := unchecked(t, &points).Verify(claim.Proof, claim.Inputs); err != nil {
			t.Fatalf("the forged knowledge does not show the attack: %v", err)
		}
		if _, err := NewVerifyingKey(&points); !errors.Is(err, ErrUnsafeKey) {
			t.Errorf("%v, want %v", err, ErrUnsafeKey)
		}
	}
	if err := vk.Verify(claim.Proof, claim.Inputs); !errors.Is(err, ErrNoProof) {
		t.Errorf("under a sound key: %v, want %v", err, ErrNoProof)
	}
}

// A proof of the other form is refused, whichever the key's is, alone and in a
// batch.
func TestProofOfTheOtherForm(t *testing.T) {
	f, committed := loadCommitted(t)
	plain := load(t).key(t)
	without := spoil(f.claims[0], func(c *Claim) { c.Proof.Commitment = nil })
	for _, test := range []struct {
		vk  *VerifyingKey
		bad Claim
	}{{committed, without}, {plain, f.claims[0]}} {
		if err := test.vk.Verify(test.bad.Proof, test.bad.Inputs); !errors.Is(err, ErrNoProof) {
			t.Errorf("%v, want %v", err, ErrNoProof)
		}
		verdicts, _ := test.vk.VerifyBatch(slices.Repeat([]Claim{test.bad}, 5))
		for _, err := range verdicts {
			if !errors.Is(err, ErrNoProof) {
				t.Errorf("in a batch: %v, want %v", err, ErrNoProof)
			}
		}
		if _, err := test.vk.ParseProof(test.bad.Proof.Bytes()); !errors.Is(err, ErrLength) {
			t.Errorf("parsed: %v, want %v", err, ErrLength)
		}
	}
}

func TestCommittedBatchAgreesWithOneByOne(t *testing.T) {
	f, vk := loadCommitted(t)
	faults := f.faults(vk)
	names := make([]string, 0, len(faults))
	for name := range faults {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, n := range []int{1, 2, 3, 8, 9, 17, 40} {
		for _, bad := range []int{0, 1, n / 2} {
			claims := make([]Claim, n)
			for i := range claims {
				claims[i] = f.claims[i%len(f.claims)]
			}
			for _, i := range rand.Perm(n)[:bad] {
				claims[i] = spoil(f.claims[0], faults[names[rand.N(len(names))]])
			}
			verdicts, work := vk.VerifyBatch(claims)
			good := 0
			for i, c := range claims {
				if want := vk.Verify(c.Proof, c.Inputs); !errors.Is(verdicts[i], want) {
					t.Errorf("%d bad of %d: claim %d: %v in the batch, %v alone", bad, n, i, verdicts[i], want)
				} else if want == nil {
					good++
				}
			}
			if good != n-bad {
				t.Errorf("%d bad of %d: %d hold", bad, n, good)
			}
			if want := (Work{Pairs: n + 4, Equations: 1}); n >= minBatch && bad == 0 && work != want {
				t.Errorf("%d: %+v, expected %+v", n, work, want)
			}
		}
	}
}

// Errors that cancel between two claims are caught by the weights, and so are
// those of a proof of knowledge that cancel one of its own equation.
func TestCommittedBatchCatchesCancellingErrors(t *testing.T) {
	f, vk := loadCommitted(t)
	_, _, g1, _ := curve.Generators()
	shift := randomG1(g1)
	claims := make([]Claim, 6)
	for i := range claims {
		claims[i] = f.claims[i%len(f.claims)]
	}
	claims[1] = spoil(claims[1], func(c *Claim) { c.Proof.Commitment.E.Add(&c.Proof.Commitment.E, &shift) })
	claims[4] = spoil(claims[4], func(c *Claim) { c.Proof.Commitment.E.Sub(&c.Proof.Commitment.E, &shift) })
	constant := func() weight { return weight{low: 12345, high: 678} }
	fooled, _ := vk.verifyBatch(claims, constant)
	if slices.ContainsFunc(fooled, func(err error) bool { return err != nil }) {
		t.Error("equal weights catch errors that cancel: this test shows nothing")
	}
	verdicts, _ := vk.VerifyBatch(claims)
	for i, err := range verdicts {
		if (err != nil) != (i == 1 || i == 4) {
			t.Errorf("claim %d: %v", i, err)
		}
	}
}

// A key that was published with public inputs in the commitment is refused: the
// challenge would have to be hashed from them, too.
func TestPublicCommitmentIsRefused(t *testing.T) {
	logger.Disable()
	compiled, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, &publishing{})
	if err != nil {
		t.Fatal(err)
	}
	var pk gnark.ProvingKey
	var vk gnark.VerifyingKey
	if err := gnark.Setup(compiled.(*cs_bn254.R1CS), &pk, &vk); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := vk.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	if _, err := ParsePoints(b.Bytes()); !errors.Is(err, ErrLength) {
		t.Errorf("%v, want %v", err, ErrLength)
	}
}

func TestCommittedKeyIsParsedStrictly(t *testing.T) {
	f, _ := loadCommitted(t)
	_, _, outside := badPoints(t)
	infinity := make([]byte, g2Size)
	infinity[0] = flagInfinity
	const (
		challenge = offLists
		list      = challenge + g1Size
		g         = list + 12
	)
	with := func(at int, part ...byte) []byte {
		out := bytes.Clone(f.encVK)
		copy(out[at:], part)
		return out
	}
	for _, test := range []struct {
		name string
		key  []byte
		want error
		says string
	}{
		{"truncated", f.encVK[:CommittedKeySize-1], ErrLength, "got 655"},
		{"trailing byte", append(bytes.Clone(f.encVK), 0), ErrLength, "got 657"},
		{"six K's", with(offCount, 0, 0, 0, 6), ErrLength, "number of K"},
		{"the challenge's K at infinity", with(challenge, infinity[:g1Size]...), ErrInfinity, "the challenge's K"},
		{"no list", with(list, 0, 0, 0, 0), ErrLength, "lists of committed wires"},
		{"a committed public input", with(list+4, 0, 0, 0, 1), ErrLength, "committed public inputs"},
		{"two keys", with(list+8, 0, 0, 0, 2), ErrLength, "commitment keys"},
		{"G at infinity", with(g, infinity...), ErrInfinity, "G"},
		{"G to the exponent outside of the subgroup", with(g+g2Size, outside...), ErrSubgroup, "exponent"},
	} {
		if _, err := ParsePoints(test.key); !errors.Is(err, test.want) || !strings.Contains(fmt.Sprint(err), test.says) {
			t.Errorf("%s: %v, want %v that says %q", test.name, err, test.want, test.says)
		}
	}
}

// challengeOfG1 is the challenge of the generator, as gnark v0.16.3's hash_to_field
// gives it.
const challengeOfG1 = "19930680429654425682544533999854559281333984511452325342822469879950091967287"

// The challenge is gnark's: its verifier hashes the same, and no two commitments
// have one challenge.
func TestChallenge(t *testing.T) {
	_, _, g1, _ := curve.Generators()
	seen := map[field.Element]bool{}
	for i := range 20 {
		var d curve.G1Affine
		d.ScalarMultiplication(&g1, big.NewInt(int64(i+1)))
		seen[Challenge(&d)] = true
	}
	if len(seen) != 20 {
		t.Errorf("%d challenges for 20 commitments", len(seen))
	}
	if got := Challenge(&g1); got.String() != challengeOfG1 {
		t.Errorf("%s, want %s", got.String(), challengeOfG1)
	}
}

func BenchmarkVerifyCommitted(b *testing.B) {
	f, vk := loadCommitted(b)
	encoded := f.claims[0].Proof.Bytes()
	b.Run("ours, with decoding", func(b *testing.B) {
		for b.Loop() {
			p, err := vk.ParseProof(encoded)
			if err != nil {
				b.Fatal(err)
			}
			if err := vk.Verify(p, f.claims[0].Inputs); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("64 in a batch", func(b *testing.B) {
		claims := slices.Repeat(f.claims[:], 16)
		for b.Loop() {
			if verdicts, _ := vk.VerifyBatch(claims); slices.ContainsFunc(verdicts, func(err error) bool { return err != nil }) {
				b.Fatal(verdicts)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(claims)), "ns/proof")
	})
}
