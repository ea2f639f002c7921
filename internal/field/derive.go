package field

import "github.com/zkkex/zkkex/internal/domain"

// HashNullifierKey returns H(nk) = f_2(tag, nk). The leaf holds it in place of
// nk, and it hides the public key beside it.
func HashNullifierKey(nk Element) Element {
	return Compress2([2]Element{FromUint64(domain.NullifierKey), nk})
}

// Leaf returns f_3(tag + keytype*2^16, k, H(nk)), a member's commitment. On Baby
// Jubjub, k is the y coordinate of the public key, on other curves [ECKey]: a key
// and its negative belong to the same owner and count as one.
func Leaf(keyType uint16, k, nkHash Element) Element {
	return Compress3([3]Element{FromUint64(domain.Leaf | uint64(keyType)<<16), k, nkHash})
}

// ECKey returns f_3(tag, upper half of x, lower half of x), the coordinate of an
// ECDSA key in its leaf, for its affine x, big-endian.
func ECKey(x [32]byte) Element { return halves(domain.ECKey, x) }

// SignedDigest returns f_3(tag, upper half, lower half) of a digest that a device
// signed, the public input that stands for it.
func SignedDigest(digest [32]byte) Element { return halves(domain.SignedDigest, digest) }

// halves compresses 256 bits as two integers of 128 bits: no two values share them.
func halves(tag uint64, b [32]byte) Element {
	var high, low Element
	high.SetBytes(b[:16])
	low.SetBytes(b[16:])
	return Compress3([3]Element{FromUint64(tag), high, low})
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
