package field

import "github.com/zkkex/zkkex/internal/domain"

// HashNullifierKey returns H(nk) = f_2(tag, nk). The leaf holds it in place of
// nk, and it hides the public key beside it.
func HashNullifierKey(nk Element) Element {
	return Compress2([2]Element{FromUint64(domain.NullifierKey), nk})
}

// Leaf returns f_3(tag + keytype*2^16, k, H(nk)), a member's commitment. For
// Baby Jubjub, k is the y coordinate of the public key: a key and its negative
// belong to the same owner and count as one.
func Leaf(keyType uint16, k, nkHash Element) Element {
	return Compress3([3]Element{FromUint64(domain.Leaf | uint64(keyType)<<16), k, nkHash})
}

// Nullifier returns f_3(tag*2^64 + slot, scope, nk).
func Nullifier(scope Element, slot uint32, nk Element) Element {
	return Compress3([3]Element{NullifierLane(slot), scope, nk})
}

// NullifierLane returns tag*2^64 + slot, the first lane of a nullifier.
func NullifierLane(slot uint32) Element {
	lane := NullifierTag()
	s := FromUint64(uint64(slot))
	return *lane.Add(&lane, &s)
}

// NullifierTag returns tag*2^64, what slot 0 has in the first lane.
func NullifierTag() Element {
	tag, shift := FromUint64(domain.Nullifier), FromUint64(1<<32)
	tag.Mul(&tag, &shift)
	return *tag.Mul(&tag, &shift)
}
