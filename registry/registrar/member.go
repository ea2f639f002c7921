package registrar

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/registry"
)

// maxKeySize is the room for a public key in the journal, in bytes.
const maxKeySize = 64

// keySize returns the size of a canonical public key, in bytes, or 0 for an
// unknown type.
func keySize(t zkkex.KeyType) int {
	if t == zkkex.KeyBabyJubjub {
		return keys.PointSize
	}
	return 0
}

// Member is a live member as only the registrar knows it. It must never be
// published.
type Member struct {
	// Index and Leaf are the member's place in the tree.
	Index uint64
	Leaf  zkkex.Commitment
	// KeyType and Key are the canonical public key.
	KeyType zkkex.KeyType
	Key     []byte
	// NullifierKeyHash is H(nk).
	NullifierKeyHash [32]byte
	// Sequence is the number of the operation that admitted the member: it is
	// covered by checkpoints of a higher sequence number.
	Sequence uint64
	// Time is when that was, in whole seconds.
	Time time.Time
}

// String names the member by its index alone, so that no log holds by accident
// which key belongs to which leaf.
func (m Member) String() string { return fmt.Sprintf("member at index %d", m.Index) }

// GoString is [Member.String].
func (m Member) GoString() string { return m.String() }

// LogValue is [Member.String].
func (m Member) LogValue() slog.Value { return slog.StringValue(m.String()) }

// candidate is what an admission needs.
type candidate struct {
	keyType       zkkex.KeyType
	key           [maxKeySize]byte
	nullifierHash [32]byte
	leaf          zkkex.Commitment
}

// newCandidate recomputes the leaf; the registrar believes nobody's.
func newCandidate(p *keys.Public) *candidate {
	c := &candidate{keyType: p.KeyType(), nullifierHash: p.NullifierKeyHash(), leaf: p.Commitment()}
	key := p.Bytes()
	copy(c.key[:], key[:])
	return c
}

// identity is what a member can have one live leaf of: the key type, and the
// key up to its sign.
type identity struct {
	keyType zkkex.KeyType
	key     [maxKeySize]byte
}

// newIdentity maps a Baby Jubjub key and its negative to the same identity: the
// y coordinate they share, which the encoding without its sign bit is.
func newIdentity(t zkkex.KeyType, key [maxKeySize]byte) identity {
	if t == zkkex.KeyBabyJubjub {
		const signBit = 0x80
		key[keys.PointSize-1] &^= signBit
	}
	return identity{keyType: t, key: key}
}

// Member returns the live member at an index. It returns an error wrapping
// [ErrNoMember] if there is none.
func (r *Registrar) Member(index uint64) (*Member, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return nil, ErrClosed
	}
	rec, err := r.liveRecord(index)
	if err != nil {
		return nil, err
	}
	return rec.member(), nil
}

// Lookup returns the live member with a public key, whatever its nullifier key,
// or with the key's negative. It returns an error wrapping [ErrNoMember] if
// there is none.
func (r *Registrar) Lookup(p *keys.Public) (*Member, error) {
	c := candidate{keyType: p.KeyType()}
	key := p.Bytes()
	copy(c.key[:], key[:])
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return nil, ErrClosed
	}
	rec, err := r.findLive(newIdentity(c.keyType, c.key))
	if err != nil {
		return nil, err
	}
	if rec == nil {
		return nil, fmt.Errorf("%w: no live leaf has this public key", ErrNoMember)
	}
	return rec.member(), nil
}

// liveRecord returns the admission of the live member at an index.
func (r *Registrar) liveRecord(index uint64) (*record, error) {
	if r.tree.KeyType(index) == 0 {
		return nil, fmt.Errorf("%w: index %d is empty", ErrNoMember, index)
	}
	return r.journal.read(r.admitted.at(index))
}

// findLive returns the admission of the live member with an identity, or nil.
func (r *Registrar) findLive(id identity) (*record, error) {
	return r.live.find(id, r.liveRecord)
}

func (rec *record) member() *Member {
	return &Member{
		Index:            rec.op.Index,
		Leaf:             rec.op.Leaf,
		KeyType:          rec.op.KeyType,
		Key:              rec.key[:keySize(rec.op.KeyType)],
		NullifierKeyHash: rec.nullifierHash,
		Sequence:         rec.sequence,
		Time:             time.Unix(rec.unix, 0).UTC(),
	}
}

// identity returns the identity an admission is about.
func (rec *record) identity() identity { return newIdentity(rec.op.KeyType, rec.key) }

// operation returns the admission of a candidate into an index.
func (c *candidate) operation(index uint64) registry.Operation {
	return registry.Operation{Kind: registry.Admit, KeyType: c.keyType, Index: index, Leaf: c.leaf}
}
