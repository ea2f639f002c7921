package registrar

import (
	"fmt"
	"iter"
	"log/slog"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/registry"
)

// maxKeySize is the room for a public key in the journal, in bytes.
const maxKeySize = 64

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

	// Delegate is, of a device that has a live delegate, the delegate's index.
	Delegate *uint64
	// Device is, of a delegate, its device's index.
	Device *uint64
	// Until is, of a delegate, when its delegation ends, in whole seconds.
	Until time.Time
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
	copy(c.key[:], p.Bytes())
	return c
}

// identity is what a member can have one live leaf of: a point up to its sign,
// whatever is proven about it. The two key types on Baby Jubjub share their
// identities, or who knows the key of a group would have a second leaf, with
// another nullifier key.
type identity struct {
	curve zkkex.KeyType // the first of the key types on it
	key   [maxKeySize]byte
}

// newIdentity maps a key and its negative to the same identity: the encoding
// without the sign. On Baby Jubjub that is the top bit of the last byte, and on
// P-256 and secp256k1 the first byte.
func newIdentity(t zkkex.KeyType, key [maxKeySize]byte) identity {
	switch t {
	case zkkex.KeyP256, zkkex.KeySecp256k1:
		key[0] = 0
		return identity{curve: t, key: key}
	default:
		const signBit = 0x80
		key[keys.PointSize-1] &^= signBit
		return identity{curve: zkkex.KeyBabyJubjub, key: key}
	}
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
	return r.member(rec), nil
}

// Lookup returns the live member with a public key, whatever its nullifier key,
// or with the key's negative. It returns an error wrapping [ErrNoMember] if
// there is none.
func (r *Registrar) Lookup(p *keys.Public) (*Member, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return nil, ErrClosed
	}
	rec, err := r.findLive(identityOf(p))
	if err != nil {
		return nil, err
	}
	if rec == nil {
		return nil, fmt.Errorf("%w: no live leaf has this public key", ErrNoMember)
	}
	return r.member(rec), nil
}

// All returns every live member, in the order of indexes, and with it which
// devices have delegated to whom. The second value is an error that ends it.
// Members that are admitted or revoked meanwhile may be there or not.
func (r *Registrar) All() iter.Seq2[*Member, error] {
	return func(yield func(*Member, error) bool) {
		for index := uint64(0); ; index++ {
			m, err := r.memberFrom(&index)
			if m == nil && err == nil {
				return
			}
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

// memberFrom returns the first live member at an index or above, and sets index
// to its own; nil if there is none.
func (r *Registrar) memberFrom(index *uint64) (*Member, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return nil, ErrClosed
	}
	for ; *index < r.tree.Next(); *index++ {
		if r.tree.KeyType(*index) == 0 {
			continue
		}
		rec, err := r.liveRecord(*index)
		if err != nil {
			return nil, err
		}
		return r.member(rec), nil
	}
	return nil, nil
}

func identityOf(p *keys.Public) identity {
	var key [maxKeySize]byte
	copy(key[:], p.Bytes())
	return newIdentity(p.KeyType(), key)
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

// member returns the member that a live admission is of.
func (r *Registrar) member(rec *record) *Member {
	m := &Member{
		Index:            rec.op.Index,
		Leaf:             rec.op.Leaf,
		KeyType:          rec.op.KeyType,
		Key:              rec.key[:keys.PublicSize(rec.op.KeyType)],
		NullifierKeyHash: rec.nullifierHash,
		Sequence:         rec.sequence,
		Time:             time.Unix(rec.unix, 0).UTC(),
	}
	partner, linked := r.links.partner(m.Index)
	switch {
	case !linked:
	case rec.isDelegate():
		m.Device, m.Until = &partner, time.Unix(rec.delegation.until, 0).UTC()
	default:
		m.Delegate = &partner
	}
	return m
}

// identity returns the identity an admission is about.
func (rec *record) identity() identity { return newIdentity(rec.op.KeyType, rec.key) }

// identity returns the identity a candidate is about.
func (c *candidate) identity() identity { return newIdentity(c.keyType, c.key) }

// record returns the admission of a candidate at an index.
func (c *candidate) record(index uint64, unix int64) *record {
	return &record{op: c.operation(index), key: c.key, nullifierHash: c.nullifierHash, unix: unix}
}

// operation returns the admission of a candidate into an index.
func (c *candidate) operation(index uint64) registry.Operation {
	return registry.Operation{Kind: registry.Admit, KeyType: c.keyType, Index: index, Leaf: c.leaf}
}
