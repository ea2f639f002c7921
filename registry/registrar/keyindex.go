package registrar

import (
	"hash/maphash"
)

// keyIndex finds the live member with an identity, in about 10 to 20 bytes of
// memory per member. A slot holds 32 bits of a keyed hash of the identity and
// 32 bits of the member's index; the identity itself is looked up in the
// journal, so a collision costs a read and never an answer. The hash's key is
// drawn by every process: nobody can choose keys that collide.
//
// It is a hash table with linear probing. A slot's home follows from its 32
// bits alone, so that the table grows without reading the journal.
type keyIndex struct {
	seed  maphash.Seed
	slots []uint64 // fingerprint<<32 | index, or 0
	used  int
}

const minSlots = 64

func newKeyIndex() *keyIndex {
	return &keyIndex{seed: maphash.MakeSeed(), slots: make([]uint64, minSlots)}
}

// fingerprint is never 0, so that no used slot looks empty.
func (x *keyIndex) fingerprint(id identity) uint32 {
	return max(1, uint32(maphash.Comparable(x.seed, id)>>32))
}

func (x *keyIndex) home(fingerprint uint32) int {
	return int(uint64(fingerprint) * uint64(len(x.slots)) >> 32)
}

// find returns the live admission of an identity, or nil. The callback reads
// the live admission at an index.
func (x *keyIndex) find(id identity, read func(index uint64) (*record, error)) (*record, error) {
	f := x.fingerprint(id)
	for i := x.home(f); x.slots[i] != 0; i = x.after(i) {
		if uint32(x.slots[i]>>32) != f {
			continue
		}
		rec, err := read(x.slots[i] & 0xffffffff)
		if err != nil {
			return nil, err
		}
		if rec.identity() == id {
			return rec, nil
		}
	}
	return nil, nil
}

// insert adds the member at an index. The identity must not be there.
func (x *keyIndex) insert(id identity, index uint64) {
	if x.used++; x.used > len(x.slots)/8*7 {
		x.grow()
	}
	x.place(uint64(x.fingerprint(id))<<32 | index)
}

// remove takes the member at an index out. It must be there.
func (x *keyIndex) remove(id identity, index uint64) {
	f := x.fingerprint(id)
	i := x.home(f)
	for x.slots[i] != uint64(f)<<32|index {
		if x.slots[i] == 0 {
			panic("zkkex: internal error: a live member is not in the index of keys")
		}
		i = x.after(i)
	}
	x.used--
	x.close(i)
}

// close empties slot hole and moves later ones up, so that every slot stays
// reachable from its home without passing an empty one.
func (x *keyIndex) close(hole int) {
	for i := x.after(hole); x.slots[i] != 0; i = x.after(i) {
		home := x.home(uint32(x.slots[i] >> 32))
		if x.distance(home, i) >= x.distance(hole, i) {
			x.slots[hole], hole = x.slots[i], i
		}
	}
	x.slots[hole] = 0
}

func (x *keyIndex) place(slot uint64) {
	i := x.home(uint32(slot >> 32))
	for x.slots[i] != 0 {
		i = x.after(i)
	}
	x.slots[i] = slot
}

func (x *keyIndex) grow() {
	old := x.slots
	x.slots = make([]uint64, len(old)/2*3)
	for _, slot := range old {
		if slot != 0 {
			x.place(slot)
		}
	}
}

func (x *keyIndex) after(i int) int {
	if i++; i == len(x.slots) {
		return 0
	}
	return i
}

// distance returns the number of steps from slot a forward to slot b.
func (x *keyIndex) distance(a, b int) int {
	if b < a {
		b += len(x.slots)
	}
	return b - a
}
