// Package provertest is a prover for tests of what is built on proofs: sessions,
// handshakes, channels. Its proofs prove nothing to anybody else; they take
// microseconds, and like real ones they do not verify for another statement.
//
// It stays out of every binary: the policy tests see to that.
package provertest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/zkkex/zkkex"
)

// ErrNoSlot reports that all slots of the scope are used.
var ErrNoSlot = errors.New("provertest: no slot left")

// Registry is a set of members that proofs are made in.
type Registry struct {
	// ID, Root, Sequence and Params are what presentations name.
	ID       zkkex.RegistryID
	Root     zkkex.Root
	Sequence uint64
	Params   zkkex.ParamsDigest
}

// New returns a registry with values of its own for each seed.
func New(seed string) *Registry {
	r := &Registry{Sequence: 100}
	r.ID = sha256.Sum256([]byte("id" + seed))
	r.Root = canonical("root" + seed)
	r.Params = sha256.Sum256([]byte("params" + seed))
	return r
}

// Member proves for one member of a registry. It implements [zkkex.Prover].
type Member struct {
	registry *Registry
	nk       [32]byte

	mu    sync.Mutex
	slots map[zkkex.Scope]uint32
	// Made counts the proofs that were asked for.
	Made int
}

// Member returns a member; another name is another member.
func (r *Registry) Member(name string) *Member {
	return &Member{registry: r, nk: sha256.Sum256([]byte("nk" + name)), slots: make(map[zkkex.Scope]uint32)}
}

// Prove implements [zkkex.Prover].
func (m *Member) Prove(ctx context.Context, c zkkex.Claim) (*zkkex.Presentation, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Made++
	slot := m.slots[c.Scope]
	if slot >= c.Limit {
		return nil, ErrNoSlot
	}
	m.slots[c.Scope] = slot + 1
	return m.registry.Present(c, m.nullifier(c.Scope, slot))
}

func (m *Member) nullifier(scope zkkex.Scope, slot uint32) zkkex.Nullifier {
	return zkkex.Nullifier(canonical("nullifier" + string(m.nk[:]) + string(scope[:]) + fmt.Sprint(slot)))
}

// Present returns a presentation that verifies, with a nullifier of the caller's.
func (r *Registry) Present(c zkkex.Claim, n zkkex.Nullifier) (*zkkex.Presentation, error) {
	const circuit = zkkex.BabyJubjub20
	binding, err := c.Authorization.Binding(zkkex.BindingContext{
		Circuit: circuit, Params: r.Params, Registry: r.ID, RootSequence: r.Sequence, Scope: c.Scope, Limit: c.Limit,
	})
	if err != nil {
		return nil, err
	}
	p := &zkkex.Presentation{
		Statement: zkkex.Statement{Circuit: circuit, Limit: c.Limit, Root: r.Root, Scope: c.Scope, Nullifier: n, Binding: binding},
		Params:    r.Params, Registry: r.ID, RootSequence: r.Sequence, Epoch: c.Epoch, Authorization: c.Authorization,
	}
	p.Proof = prove(&p.Statement)
	return p, nil
}

// Verify checks a presentation's proof and its binding to a; it keeps no record.
// It returns a rejection for [zkkex.BadProof] or [zkkex.WrongBinding].
func (r *Registry) Verify(p *zkkex.Presentation, a zkkex.Authorization) error {
	binding, err := a.Binding(zkkex.BindingContext{
		Circuit: p.Statement.Circuit, Params: p.Params, Registry: r.ID, RootSequence: p.RootSequence,
		Scope: p.Statement.Scope, Limit: p.Statement.Limit,
	})
	if err != nil {
		return err
	}
	if p.Authorization != a || binding != p.Statement.Binding {
		return zkkex.Reject(zkkex.WrongBinding, "authorises something else")
	}
	if !hmac.Equal(p.Proof, prove(&p.Statement)) {
		return zkkex.Reject(zkkex.BadProof, "does not verify")
	}
	return nil
}

// prove is what takes the place of a proof: 128 bytes that follow from the
// statement.
func prove(st *zkkex.Statement) zkkex.Proof {
	statement, _ := st.AppendBinary(nil)
	var out zkkex.Proof
	for i := range uint32(4) {
		h := hmac.New(sha256.New, []byte("zkkex test proof"))
		h.Write(binary.BigEndian.AppendUint32(nil, i))
		h.Write(statement)
		out = h.Sum(out)
	}
	return out
}

// canonical hashes to 32 bytes below the field's order.
func canonical(s string) [32]byte {
	out := sha256.Sum256([]byte(s))
	out[0] = 0
	return out
}
