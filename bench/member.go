package bench

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/prover"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/setup/dev"
	"github.com/zkkex/zkkex/setup/params"
)

// circuit is the one that is proved.
const circuit = zkkex.BabyJubjub20

// crowd is the number of members of the tree that the prover stands in. Only
// its shape matters, and that is the same for every size.
const crowd = 1000

// member can prove one statement.
type member struct {
	prover    *prover.Prover
	verifying *params.Verifying
	st        *zkkex.Statement
	witness   *circuits.Witness
}

// newMember opens the development parameters and makes a member of a small
// tree.
func newMember() (*member, error) {
	set, err := openProving(circuit)
	if err != nil {
		return nil, err
	}
	p, err := prover.Open(set)
	if err != nil {
		return nil, err
	}
	st, w, err := newStatement()
	if err != nil {
		return nil, err
	}
	return &member{prover: p, verifying: set.Verifying, st: st, witness: w}, nil
}

func openProving(id zkkex.CircuitID) (*params.Proving, error) {
	fsys, err := dev.FS(id)
	if err != nil {
		return nil, err
	}
	return params.OpenProving(fsys, params.Accept{Dev: true})
}

func openVerifying() (*params.Verifying, error) {
	fsys, err := dev.FS(circuit)
	if err != nil {
		return nil, err
	}
	return params.OpenVerifying(fsys, params.Accept{Dev: true})
}

// newStatement returns a true statement of a fresh key.
func newStatement() (*zkkex.Statement, *circuits.Witness, error) {
	secret, err := keys.Generate()
	if err != nil {
		return nil, nil, err
	}
	st, w, err := statementOf(circuit, secret, secret.Commitment())
	if err != nil {
		return nil, nil, err
	}
	w.Secret = secret
	return st, w, nil
}

// statementOf returns a true statement of whoever owns a leaf and has the secret's
// nullifier key, and the path and slot of its witness.
func statementOf(id zkkex.CircuitID, nullifiers *keys.Secret, leaf zkkex.Commitment) (*zkkex.Statement, *circuits.Witness, error) {
	const index, slot = crowd / 2, 3
	ops := admissions(0, crowd)
	ops[index].Leaf = leaf
	tree, err := registry.NewTree(id.CapacityBits())
	if err != nil {
		return nil, nil, err
	}
	if err := tree.ApplyAll(ops); err != nil {
		return nil, nil, err
	}
	path, err := tree.Path(index)
	if err != nil {
		return nil, nil, err
	}
	st := &zkkex.Statement{Circuit: id, Limit: 16, Root: tree.Root()}
	rand.Read(st.Scope[:])
	rand.Read(st.Binding[:])
	st.Nullifier = nullifiers.Nullifier(st.Scope, slot)
	return st, &circuits.Witness{Path: path, Slot: slot}, nil
}

// admissions returns n operations that admit leaves from an index on. The
// leaves are hashes: nobody owns them.
func admissions(from, n int) []registry.Operation {
	ops := make([]registry.Operation, n)
	for i := range ops {
		index := uint64(from + i)
		ops[i] = registry.Operation{
			Kind:    registry.Admit,
			KeyType: zkkex.KeyBabyJubjub,
			Index:   index,
			Leaf:    filler(index),
		}
	}
	return ops
}

// filler returns a leaf that is a function of its index.
func filler(index uint64) zkkex.Commitment {
	digest := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("benchmark filler"), index))
	return field.Bytes(field.FromHash(digest))
}

// prove makes a proof of the member's statement.
func (m *member) prove() (zkkex.Proof, error) {
	return m.prover.Prove(context.Background(), m.st, m.witness)
}

// next begins a session with a proof, and returns what makes its next one, for
// the next slot.
func (m *member) next() (func() error, error) {
	session, st, w := m.prover.Session(), *m.st, *m.witness
	prove := func() error {
		w.Slot = (w.Slot + 1) % st.Limit
		st.Nullifier = w.Secret.Nullifier(st.Scope, w.Slot)
		rand.Read(st.Binding[:])
		_, err := session.Prove(context.Background(), &st, &w)
		return err
	}
	return prove, prove()
}

// presentation returns the statement with a proof, as it travels.
func (m *member) presentation() (*zkkex.Presentation, error) {
	proof, err := m.prove()
	if err != nil {
		return nil, err
	}
	epoch, err := zkkex.DefaultSchedule().At(time.Now())
	if err != nil {
		return nil, err
	}
	return &zkkex.Presentation{
		Statement:     *m.st,
		Params:        m.prover.Params(),
		RootSequence:  crowd,
		Epoch:         epoch,
		Authorization: zkkex.SessionKey([32]byte{9}),
		Proof:         proof,
	}, nil
}
