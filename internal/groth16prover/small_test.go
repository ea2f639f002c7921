package groth16prover

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	gnark "github.com/consensys/gnark/backend/groth16/bn254"
	"github.com/consensys/gnark/backend/witness"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"
)

// booleans is a small relation with many boolean and zero wires: Sum is the
// number of bits that are set, times Factor.
type booleans struct {
	Sum    frontend.Variable `gnark:",public"`
	Bits   [40]frontend.Variable
	Factor frontend.Variable
}

func (c *booleans) Define(api frontend.API) error {
	sum := frontend.Variable(0)
	for _, bit := range c.Bits {
		api.AssertIsBoolean(bit)
		sum = api.Add(sum, api.Mul(bit, c.Factor))
	}
	api.AssertIsEqual(api.Mul(sum, 1), c.Sum)
	return nil
}

// committed asks for a commitment, which this prover does not make.
type committed booleans

func (c *committed) Define(api frontend.API) error {
	commitment, err := api.(frontend.Committer).Commit(c.Factor, c.Sum)
	if err != nil {
		return err
	}
	api.AssertIsDifferent(commitment, 0)
	return nil
}

type small struct {
	key       *Key
	system    *cs.R1CS
	proving   gnark.ProvingKey
	verifying gnark.VerifyingKey
}

func newSmall(t *testing.T) *small {
	t.Helper()
	s := &small{system: compile(t, new(booleans))}
	if err := gnark.Setup(s.system, &s.proving, &s.verifying); err != nil {
		t.Fatal(err)
	}
	key, err := New(s.system, &s.proving)
	if err != nil {
		t.Fatal(err)
	}
	s.key = key
	return s
}

func compile(t testing.TB, c frontend.Circuit) *cs.R1CS {
	t.Helper()
	compiled, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, c)
	if err != nil {
		t.Fatal(err)
	}
	return compiled.(*cs.R1CS)
}

// witness returns one whose bits are all set with the given probability.
func (*small) witness(t *testing.T, density float64, factor fr.Element) witness.Witness {
	t.Helper()
	c := &booleans{Factor: factor}
	var sum fr.Element
	for i := range c.Bits {
		c.Bits[i] = 0
		if rand.Float64() < density {
			c.Bits[i] = 1
			sum.Add(&sum, &factor)
		}
	}
	c.Sum = sum
	return full(t, c)
}

// TestManyWitnesses proves many random statements of a small relation, in full
// and in a session, with and without tables, and verifies with gnark. Among them
// are those whose wires are all zero or boolean.
func TestManyWitnesses(t *testing.T) {
	s := newSmall(t)
	session := s.key.NewSession()
	defer session.Close()
	for i := range 40 {
		if i == 20 {
			s.key.Precompute()
		}
		factor := []fr.Element{{}, fr.One(), *new(fr.Element).SetInt64(-1), randomScalars(1)[0]}[i%4]
		w := s.witness(t, []float64{0, 0.5, 1}[i%3], factor)
		for name, prove := range map[string]func(witness.Witness) (proved, error){"full": s.key.Prove, "session": session.Prove} {
			proof, err := prove(w)
			if err != nil {
				t.Fatalf("%d, %s: %v", i, name, err)
			}
			if err := verify(proof, &s.verifying, w); err != nil {
				t.Errorf("%d, %s: %v", i, name, err)
			}
		}
	}
}

func TestWitnessIsRefused(t *testing.T) {
	s := newSmall(t)
	empty, err := witness.New(ecc.BN254.ScalarField())
	if err != nil {
		t.Fatal(err)
	}
	other, err := witness.New(ecc.BLS12_381.ScalarField())
	if err != nil {
		t.Fatal(err)
	}
	public, err := s.witness(t, 1, fr.One()).Public()
	if err != nil {
		t.Fatal(err)
	}
	wrong := s.witness(t, 1, fr.One())
	wrong.Vector().(fr.Vector)[0].SetUint64(39)
	notBoolean := s.witness(t, 0, fr.One())
	notBoolean.Vector().(fr.Vector)[1].SetUint64(2)
	notBoolean.Vector().(fr.Vector)[0].SetUint64(2)
	session := s.key.NewSession()
	if _, err := session.Prove(s.witness(t, 0.5, fr.One())); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		w    witness.Witness
		want error
	}{
		{"none", nil, ErrWitnessSize},
		{"empty", empty, ErrWitnessSize},
		{"of another field", other, ErrWitnessSize},
		{"public part alone", public, ErrWitnessSize},
		{"wrong sum", wrong, ErrUnsatisfied},
		{"bit of 2", notBoolean, ErrUnsatisfied},
	} {
		for _, prove := range []func(witness.Witness) (proved, error){s.key.Prove, session.Prove} {
			if proof, err := prove(test.w); !errors.Is(err, test.want) || proof != nil {
				t.Errorf("%s: %v, %v; want %v", test.name, proof, err, test.want)
			}
		}
	}
}

// New refuses a key of another shape, part by part.
func TestKeyIsRefused(t *testing.T) {
	s := newSmall(t)
	for name, spoil := range map[string]func(k *gnark.ProvingKey){
		"flags of A": func(k *gnark.ProvingKey) { k.InfinityA = k.InfinityA[1:] },
		"flags of B": func(k *gnark.ProvingKey) { k.InfinityB = nil },
		"A":          func(k *gnark.ProvingKey) { k.G1.A = k.G1.A[1:] },
		"B":          func(k *gnark.ProvingKey) { k.G1.B = k.G1.B[1:] },
		"B in G2":    func(k *gnark.ProvingKey) { k.G2.B = k.G2.B[1:] },
		"K":          func(k *gnark.ProvingKey) { k.G1.K = append(k.G1.K[:1:1], k.G1.K...) },
		"Z":          func(k *gnark.ProvingKey) { k.G1.Z = k.G1.Z[1:] },
		"too small":  func(k *gnark.ProvingKey) { k.Domain.Cardinality = 2; k.G1.Z = k.G1.Z[:1] },
		"commitment keys": func(k *gnark.ProvingKey) {
			k.CommitmentKeys = append(k.CommitmentKeys[:0:0], make([]commitmentKey, 1)...)
		},
	} {
		spoiled := s.proving
		spoil(&spoiled)
		if _, err := New(s.system, &spoiled); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v, want %v", name, err, ErrKey)
		}
	}
	if _, err := New(compile(t, new(committed)), &s.proving); !errors.Is(err, ErrKey) {
		t.Errorf("with a commitment: %v, want %v", err, ErrKey)
	}
}
