package textbook

import (
	"crypto/rand"
	"math/big"
	"os"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	groth16 "github.com/consensys/gnark/backend/groth16/bn254"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/public"
	"github.com/zkkex/zkkex/internal/quiet"
	"github.com/zkkex/zkkex/keys"
)

func TestMain(m *testing.M) {
	quiet.Gnark()
	os.Exit(m.Run())
}

const testLimit = 5

// member is a statement and the witness it is true for.
type member struct {
	st *zkkex.Statement
	w  *Witness
}

// newMember makes a member of a tree with random siblings.
func newMember(t *testing.T, secret *keys.Secret, index, slot uint32) *member {
	t.Helper()
	m := &member{
		st: &zkkex.Statement{Circuit: zkkex.BabyJubjub20, Limit: testLimit, Scope: random32(t), Binding: random32(t)},
		w:  &Witness{Secret: secret, Path: Path{Index: index}, Slot: slot},
	}
	for i := range m.w.Path.Siblings {
		m.w.Path.Siblings[i] = randomElement(t)
	}
	root, err := m.w.Path.Root(secret.Commitment())
	if err != nil {
		t.Fatal(err)
	}
	m.st.Root = root
	m.st.Nullifier = secret.Nullifier(m.st.Scope, slot)
	return m
}

func (m *member) assign(t *testing.T) *Circuit {
	t.Helper()
	c, err := Assign(m.st, m.w)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The circuit and its native twins, the same that zkkex proves with, agree on
// keys, leaves, paths and nullifiers.
func TestAcceptsMembers(t *testing.T) {
	system := compile(t)
	for _, secret := range edgeSecrets(t) {
		for index, slot := range map[uint32]uint32{0: 0, 1: testLimit - 1, 1<<Depth - 1: 2, 0b1011 << 15: 3} {
			if err := solve(t, system, newMember(t, secret, index, slot).assign(t)); err != nil {
				t.Errorf("index %d, slot %d: %v", index, slot, err)
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	system := compile(t)
	for name, lie := range map[string]func(m *member, c *Circuit){
		"another root":              func(m *member, c *Circuit) { c.Root = randomElement(t) },
		"another scope":             func(m *member, c *Circuit) { c.Scope = randomElement(t) },
		"another nullifier":         func(m *member, c *Circuit) { c.Nullifier = randomElement(t) },
		"a limit of 0":              func(m *member, c *Circuit) { c.Limit = 0 },
		"a limit that is the slot":  func(m *member, c *Circuit) { c.Limit = m.w.Slot },
		"another key":               func(m *member, c *Circuit) { c.Key = 12345 },
		"another nullifier key":     func(m *member, c *Circuit) { c.NullifierKey = randomElement(t) },
		"a scalar of too many bits": func(m *member, c *Circuit) { c.Key = aliasOf(t, m.w.Secret) },
		"another sibling":           func(m *member, c *Circuit) { c.Siblings[7] = randomElement(t) },
		"another side":              func(m *member, c *Circuit) { c.Right[0] = 1 },
		"a selector that is no bit": func(m *member, c *Circuit) { selectHalf(t, m, c) },
		"the slot -1":               func(m *member, c *Circuit) { setSlot(m, c, -1) },
		"the slot limit":            func(m *member, c *Circuit) { setSlot(m, c, testLimit) },
		"a slot beyond the limit":   func(m *member, c *Circuit) { setSlot(m, c, testLimit+1) },
		"a slot of 33 bits":         func(m *member, c *Circuit) { setSlot(m, c, 1<<slotBits); c.Limit = 1<<slotBits + 1 },
	} {
		secret, err := keys.Generate()
		if err != nil {
			t.Fatal(err)
		}
		m := newMember(t, secret, 6, 3)
		c := m.assign(t)
		if err := solve(t, system, c); err != nil {
			t.Fatalf("before the lie: %v", err)
		}
		if lie(m, c); solve(t, system, c) == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// selectHalf takes a selector of one half and a root that fits it: without the
// selector's boolean constraint, both children would be the same mixture.
func selectHalf(t *testing.T, m *member, c *Circuit) {
	t.Helper()
	leaf, err := field.Parse(m.w.Secret.Commitment())
	if err != nil {
		t.Fatal(err)
	}
	half := field.FromUint64(2)
	half.Inverse(&half)
	var mixture field.Element
	mixture.Add(&leaf, &m.w.Path.Siblings[0]).Mul(&mixture, &half)
	running := field.Compress2([2]field.Element{mixture, mixture})
	for level := 1; level < Depth; level++ {
		children := [2]field.Element{running, m.w.Path.Siblings[level]}
		if m.w.Path.right(level) {
			children[0], children[1] = children[1], children[0]
		}
		running = field.Compress2(children)
	}
	c.Right[0], c.Root = half, running
}

// setSlot takes a slot together with the nullifier that is right for it.
func setSlot(m *member, c *Circuit, slot int64) {
	var s field.Element
	s.SetInt64(slot)
	lane := field.NullifierTag()
	lane.Add(&lane, &s)
	nk, _ := field.Parse(m.w.Secret.RevealNullifierKey())
	c.Slot = s
	c.Nullifier = field.Compress3([3]field.Element{lane, field.FromHash(m.st.Scope), nk})
}

// aliasOf returns the secret's scalar plus a multiple of the subgroup's order
// that has more than scalarBits bits: the same point by another scalar.
func aliasOf(t *testing.T, secret *keys.Secret) *big.Int {
	t.Helper()
	scalar := secret.RevealScalar()
	order, _ := new(big.Int).SetString("2736030358979909402780800718157159386076813972158567259200215660948447373041", 10)
	x := new(big.Int).SetBytes(scalar[:])
	x.Add(x, order.Lsh(order, 1))
	if x.BitLen() <= scalarBits || x.Cmp(fr.Modulus()) >= 0 {
		t.Fatalf("%v is no alias to refuse", x)
	}
	return x
}

// One real proof: it verifies for its inputs and for no others.
func TestProof(t *testing.T) {
	system := compile(t)
	secret, err := keys.Generate()
	if err != nil {
		t.Fatal(err)
	}
	m := newMember(t, secret, 77, 1)
	var pk groth16.ProvingKey
	var vk groth16.VerifyingKey
	if err := groth16.Setup(system, &pk, &vk); err != nil {
		t.Fatal(err)
	}
	full, err := frontend.NewWitness(m.assign(t), ecc.BN254.ScalarField())
	if err != nil {
		t.Fatal(err)
	}
	proof, err := groth16.Prove(system, &pk, full)
	if err != nil {
		t.Fatal(err)
	}
	inputs, err := public.Inputs(m.st)
	if err != nil {
		t.Fatal(err)
	}
	if err := groth16.Verify(proof, &vk, fr.Vector(inputs[:])); err != nil {
		t.Fatal(err)
	}
	for i, name := range public.Names() {
		changed := inputs
		changed[i] = randomElement(t)
		if groth16.Verify(proof, &vk, fr.Vector(changed[:])) == nil {
			t.Errorf("the proof verifies for another %s", name)
		}
	}
	if n := len(proof.Commitments) + len(vk.CommitmentKeys); n != 0 {
		t.Errorf("%d commitments, expected none", n)
	}
}

// edgeSecrets are the scalars 1, 2, 3, 4 and order - 1, and a random one. Small
// scalars have the identity in most windows.
func edgeSecrets(t *testing.T) []*keys.Secret {
	t.Helper()
	nk := randomElement(t)
	var out []*keys.Secret
	for _, scalar := range []string{"1", "2", "3", "4", "2736030358979909402780800718157159386076813972158567259200215660948447373040"} {
		x, _ := new(big.Int).SetString(scalar, 10)
		s, err := keys.ParseSecret([32]byte(x.FillBytes(make([]byte, 32))), field.Bytes(nk))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	s, err := keys.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return append(out, s)
}

func compile(t *testing.T) *cs.R1CS {
	t.Helper()
	system, err := Compile()
	if err != nil {
		t.Fatal(err)
	}
	return system
}

func solve(t *testing.T, system *cs.R1CS, c *Circuit) error {
	t.Helper()
	w, err := frontend.NewWitness(c, ecc.BN254.ScalarField())
	if err != nil {
		t.Fatal(err)
	}
	return system.IsSolved(w)
}

func randomElement(t *testing.T) field.Element {
	t.Helper()
	var e field.Element
	if _, err := e.SetRandom(); err != nil {
		t.Fatal(err)
	}
	return e
}

func random32(t *testing.T) (out [32]byte) {
	t.Helper()
	if _, err := rand.Read(out[:]); err != nil {
		t.Fatal(err)
	}
	return out
}
