package groth16prover

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	gnark "github.com/consensys/gnark/backend/groth16/bn254"
	"github.com/consensys/gnark/backend/witness"
	"github.com/consensys/gnark/constraint"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/std/lookup/logderivlookup"
	"github.com/consensys/gnark/std/rangecheck"

	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/groth16"
	"github.com/zkkex/zkkex/internal/public"
	"github.com/zkkex/zkkex/internal/relation"
)

// ranged knows numbers below 2^40 whose product is the first public input. It
// takes gnark's range check, and so a commitment.
type ranged struct {
	Public  [public.Count]frontend.Variable `gnark:",public"`
	Numbers [8]frontend.Variable
}

func (c *ranged) Define(api frontend.API) error {
	checker := rangecheck.New(api)
	product := frontend.Variable(1)
	for _, n := range c.Numbers {
		checker.Check(n, 40)
		product = api.Mul(product, n)
	}
	api.AssertIsEqual(product, c.Public[0])
	for _, x := range c.Public {
		api.Mul(x, x)
	}
	return nil
}

// lookups knows numbers below 64 whose squares, from a table, have the first
// public input as their product: gnark's lookup, and so a commitment.
type lookups ranged

func (c *lookups) Define(api frontend.API) error {
	table := logderivlookup.New(api)
	for i := range 64 {
		table.Insert(i * i)
	}
	product := frontend.Variable(1)
	for _, square := range table.Lookup(c.Numbers[:]...) {
		product = api.Mul(product, square)
	}
	api.AssertIsEqual(product, c.Public[0])
	for _, x := range c.Public {
		api.Mul(x, x)
	}
	return nil
}

// committing is a circuit with a commitment and its keys, made by gnark.
type committing struct {
	name      string
	squares   bool
	system    *cs.R1CS
	proving   gnark.ProvingKey
	verifying gnark.VerifyingKey
	points    *groth16.Points
	ours      *groth16.VerifyingKey
	key       *Key
}

var committingCircuits = map[string]func() frontend.Circuit{
	"range checks": func() frontend.Circuit { return new(ranged) },
	"lookups":      func() frontend.Circuit { return new(lookups) },
}

var committingFixtures sync.Map // by name

func loadCommitting(t testing.TB, name string) *committing {
	t.Helper()
	once, _ := committingFixtures.LoadOrStore(name, sync.OnceValue(func() *committing { return newCommitting(t, name) }))
	c := once.(func() *committing)()
	if c == nil || c.key == nil {
		t.Fatal("the fixture could not be made")
	}
	return c
}

func newCommitting(t testing.TB, name string) *committing {
	t.Helper()
	c := &committing{name: name, squares: name == "lookups", system: compile(t, committingCircuits[name]())}
	if err := gnark.Setup(c.system, &c.proving, &c.verifying); err != nil {
		t.Fatal(err)
	}
	var encoded bytes.Buffer
	if _, err := c.verifying.WriteTo(&encoded); err != nil {
		t.Fatal(err)
	}
	var err error
	if c.points, err = groth16.ParsePoints(encoded.Bytes()); err != nil {
		t.Fatal(err)
	}
	if c.ours, err = groth16.NewVerifyingKey(c.points); err != nil {
		t.Fatal(err)
	}
	if c.key, err = New(c.system, &c.proving); err != nil {
		t.Fatal(err)
	}
	return c
}

// witness returns one of some numbers, and its public inputs.
func (c *committing) witness(t testing.TB, numbers [8]uint64) (witness.Witness, [public.Count]field.Element) {
	t.Helper()
	inputs := [public.Count]field.Element{field.FromUint64(1)}
	w := new(ranged)
	for i, n := range numbers {
		w.Numbers[i] = n
		factor := field.FromUint64(n)
		inputs[0].Mul(&inputs[0], &factor)
		if c.squares {
			inputs[0].Mul(&inputs[0], &factor)
		}
	}
	for i := range inputs {
		if i > 0 {
			inputs[i] = randomScalars(1)[0]
		}
		w.Public[i] = inputs[i]
	}
	full, err := frontend.NewWitness(w, ecc.BN254.ScalarField())
	if err != nil {
		t.Fatal(err)
	}
	return full, inputs
}

// check verifies a proof with gnark's verifier and with ours.
func (c *committing) check(p *groth16.Proof, inputs [public.Count]field.Element) error {
	theirs := &gnark.Proof{
		Ar: p.A, Bs: p.B, Krs: p.C, Commitments: []curve.G1Affine{p.Commitment.D}, CommitmentPok: p.Commitment.E,
	}
	return errors.Join(c.ours.Verify(p, inputs), gnark.Verify(theirs, &c.verifying, inputs[:]))
}

// TestCommittedProofs proves statements in full and in a session, with and without
// tables. Both verifiers accept, and no two proofs share a point: of one statement,
// the commitments differ.
func TestCommittedProofs(t *testing.T) {
	for name := range committingCircuits {
		c := loadCommitting(t, name)
		session := c.key.NewSession()
		seen := map[curve.G1Affine]bool{}
		for i := range 6 {
			if i == 3 {
				c.key.Precompute()
			}
			w, inputs := c.witness(t, [8]uint64{1, 2, 3, 63, 5, 6, 7, uint64(i / 2)})
			for how, prove := range map[string]func(witness.Witness) (proved, error){"full": c.key.Prove, "session": session.Prove} {
				p, err := prove(w)
				if err != nil {
					t.Fatalf("%s, %d, %s: %v", name, i, how, err)
				}
				if err := c.check(p, inputs); err != nil {
					t.Errorf("%s, %d, %s: %v", name, i, how, err)
				}
				for _, point := range []curve.G1Affine{p.A, p.C, p.Commitment.D, p.Commitment.E} {
					if seen[point] {
						t.Errorf("%s, %d, %s: a point comes twice", name, i, how)
					}
					seen[point] = true
				}
			}
		}
		session.Close()
		w, _ := c.witness(t, [8]uint64{})
		if p, err := session.Prove(w); !errors.Is(err, ErrClosed) || p != nil {
			t.Errorf("%s: closed: %v, %v", name, p, err)
		}
	}
}

// Gnark's prover and ours make proofs that both verifiers accept.
func TestGnarksCommittedProofs(t *testing.T) {
	for name := range committingCircuits {
		c := loadCommitting(t, name)
		w, inputs := c.witness(t, [8]uint64{60, 1, 2, 3, 4, 5, 6, 7})
		theirs, err := gnark.Prove(c.system, &c.proving, w)
		if err != nil {
			t.Fatal(err)
		}
		p := &groth16.Proof{A: theirs.Ar, B: theirs.Bs, C: theirs.Krs, Commitment: &groth16.Commitment{D: theirs.Commitments[0], E: theirs.CommitmentPok}}
		if err := c.check(p, inputs); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A witness outside of the range or the table is refused, and so is a wrong
// product, in full and in a session.
func TestCommittedWitnessIsRefused(t *testing.T) {
	for name := range committingCircuits {
		c := loadCommitting(t, name)
		session := c.key.NewSession()
		defer session.Close()
		good, _ := c.witness(t, [8]uint64{1, 1, 1, 1, 1, 1, 1, 1})
		if _, err := session.Prove(good); err != nil {
			t.Fatal(err)
		}
		large, _ := c.witness(t, [8]uint64{1 << 40, 1, 1, 1, 1, 1, 1, 1})
		wrong, _ := c.witness(t, [8]uint64{1, 1, 1, 1, 1, 1, 1, 2})
		wrong.Vector().(fr.Vector)[0].SetUint64(3)
		for what, w := range map[string]witness.Witness{"out of range": large, "wrong product": wrong} {
			for _, prove := range []func(witness.Witness) (proved, error){c.key.Prove, session.Prove} {
				if p, err := prove(w); !errors.Is(err, ErrUnsatisfied) || p != nil {
					t.Errorf("%s, %s: %v, %v; want %v", name, what, p, err, ErrUnsatisfied)
				}
			}
		}
	}
}

// The sums of a session, and its commitment, are those in full.
func TestCommittedSessionSums(t *testing.T) {
	c := loadCommitting(t, "range checks")
	session := c.key.NewSession()
	defer session.Close()
	for i := range 4 {
		w, _ := c.witness(t, [8]uint64{9, 8, 7, 6, 5, 4, 3, uint64(i)})
		s, err := c.key.solve(w, session)
		if err != nil {
			t.Fatal(err)
		}
		values := make(fr.Vector, len(c.key.wiresD))
		for j, wire := range c.key.wiresD {
			values[j] = s.W[wire]
		}
		if want := reference1(t, c.proving.CommitmentKeys[0].Basis, values); !s.d.Equal(&want) {
			t.Errorf("%d: another commitment than gnark-crypto's", i)
		}
		sums, err := session.sum(s)
		if err != nil {
			t.Fatal(err)
		}
		if want := reference1(t, c.proving.CommitmentKeys[0].BasisExpSigma, values); !sums.e.Equal(&want) {
			t.Errorf("%d: another proof of knowledge than gnark-crypto's", i)
		}
	}
}

// A session that is closed while the solver runs tells so.
func TestSessionClosedInMidRun(t *testing.T) {
	c := loadCommitting(t, "range checks")
	session := c.key.NewSession()
	session.Close()
	w, _ := c.witness(t, [8]uint64{1})
	if _, err := c.key.solve(w, session); !errors.Is(err, ErrClosed) {
		t.Errorf("%v, want %v", err, ErrClosed)
	}
}

// twice has a commitment of its own for each of two numbers, and that of the range
// checks.
type twice ranged

func (c *twice) Define(api frontend.API) error {
	for _, n := range c.Numbers[:2] {
		challenge, err := api.(frontend.Committer).Commit(n)
		if err != nil {
			return err
		}
		api.AssertIsDifferent(challenge, 0)
	}
	return (*ranged)(c).Define(api)
}

// TestMask is trap C12: a system is refused whose commitment would hide nothing,
// or that has another one, or that is to a public wire.
func TestMask(t *testing.T) {
	c := loadCommitting(t, "range checks")
	found, err := relation.CommitmentOf(c.system)
	if err != nil {
		t.Fatal(err)
	}
	w, _ := c.witness(t, [8]uint64{1, 2, 3, 4, 5, 6, 7, 8})
	masks := map[fr.Element]bool{}
	for range 3 {
		s, err := c.key.solve(w, c.key)
		if err != nil {
			t.Fatal(err)
		}
		masks[s.W[found.Mask]] = true
	}
	if len(masks) != 3 {
		t.Errorf("%d masks of 3 runs", len(masks))
	}
	for name, spoil := range map[string]func(s *cs.R1CS, info *constraint.Groth16Commitment){
		"no mask among the committed": func(_ *cs.R1CS, info *constraint.Groth16Commitment) {
			i := slices.Index(info.PrivateCommitted, found.Mask)
			info.PrivateCommitted = slices.Delete(slices.Clone(info.PrivateCommitted), i, i+1)
		},
		"another hint": func(s *cs.R1CS, _ *constraint.Groth16Commitment) {
			for id, name := range s.MHintsDependencies {
				s.MHintsDependencies[id] = name + "Not"
			}
		},
		"a constraint fixes the mask": func(s *cs.R1CS, _ *constraint.Groth16Commitment) {
			one := constraint.Term{CID: constraint.CoeffIdOne}
			mask := constraint.LinearExpression{{CID: constraint.CoeffIdOne, VID: uint32(found.Mask)}}
			id := s.AddBlueprint(&constraint.BlueprintGenericR1C{})
			s.AddR1C(constraint.R1C{L: mask, R: mask, O: constraint.LinearExpression{one}}, id)
		},
		"a public wire": func(_ *cs.R1CS, info *constraint.Groth16Commitment) {
			info.PublicAndCommitmentCommitted, info.NbPublicCommitted = []int{1}, 1
		},
		"a public wire as a private one": func(_ *cs.R1CS, info *constraint.Groth16Commitment) {
			info.PrivateCommitted = append([]int{1}, info.PrivateCommitted...)
		},
		"out of order": func(_ *cs.R1CS, info *constraint.Groth16Commitment) {
			info.PrivateCommitted = slices.Clone(info.PrivateCommitted)
			slices.Reverse(info.PrivateCommitted)
		},
		"another wire for the challenge": func(_ *cs.R1CS, info *constraint.Groth16Commitment) { info.CommitmentIndex-- },
	} {
		system := compile(t, new(ranged))
		spoil(system, &system.CommitmentInfo.(constraint.Groth16Commitments)[0])
		if _, err := relation.CommitmentOf(system); !errors.Is(err, relation.ErrCommitment) {
			t.Errorf("%s: %v, want %v", name, err, relation.ErrCommitment)
		}
		if _, err := New(system, &c.proving); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v, want %v", name, err, ErrKey)
		}
	}
	if _, err := relation.CommitmentOf(compile(t, new(twice))); !errors.Is(err, relation.ErrCommitment) {
		t.Errorf("two commitments: %v, want %v", err, relation.ErrCommitment)
	}
	if none, err := relation.CommitmentOf(compile(t, new(booleans))); none != nil || err != nil {
		t.Errorf("no commitment: %v, %v", none, err)
	}
}

// New refuses a commitment key of another length.
func TestCommitmentKeyIsRefused(t *testing.T) {
	c := loadCommitting(t, "range checks")
	for name, spoil := range map[string]func(k *gnark.ProvingKey){
		"none": func(k *gnark.ProvingKey) { k.CommitmentKeys = nil },
		"two":  func(k *gnark.ProvingKey) { k.CommitmentKeys = append(k.CommitmentKeys, commitmentKey{}) },
		"short": func(k *gnark.ProvingKey) {
			k.CommitmentKeys = []commitmentKey{{Basis: k.CommitmentKeys[0].Basis[1:], BasisExpSigma: k.CommitmentKeys[0].BasisExpSigma}}
		},
		"short to the exponent": func(k *gnark.ProvingKey) {
			k.CommitmentKeys = []commitmentKey{{Basis: k.CommitmentKeys[0].Basis, BasisExpSigma: k.CommitmentKeys[0].BasisExpSigma[1:]}}
		},
	} {
		spoiled := c.proving
		spoil(&spoiled)
		if _, err := New(c.system, &spoiled); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v, want %v", name, err, ErrKey)
		}
	}
}
