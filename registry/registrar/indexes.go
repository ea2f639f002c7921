package registrar

import (
	"hash/maphash"
	"math"
)

// freeIndexes hands out indexes: the lowest that a revocation freed, and if
// there is none the first that was never used. Freed ones are a binary heap.
type freeIndexes struct {
	freed []uint32
	next  uint64
}

// left returns how many indexes below capacity can be taken.
func (f *freeIndexes) left(capacity uint64) uint64 {
	return uint64(len(f.freed)) + capacity - f.next
}

// take returns an index, or false if every one below capacity is taken.
func (f *freeIndexes) take(capacity uint64) (uint64, bool) {
	if len(f.freed) > 0 {
		return uint64(f.pop()), true
	}
	if f.next >= capacity {
		return 0, false
	}
	f.next++
	return f.next - 1, true
}

// untake gives an index back that was the last one taken and not given back.
func (f *freeIndexes) untake(index uint64) {
	if index == f.next-1 {
		f.next--
		return
	}
	f.give(index)
}

// give makes an index free that a revocation emptied.
func (f *freeIndexes) give(index uint64) {
	f.freed = append(f.freed, uint32(index))
	for i := len(f.freed) - 1; i > 0; {
		parent := (i - 1) / 2
		if f.freed[parent] <= f.freed[i] {
			return
		}
		f.freed[parent], f.freed[i] = f.freed[i], f.freed[parent]
		i = parent
	}
}

func (f *freeIndexes) pop() uint32 {
	lowest, last := f.freed[0], len(f.freed)-1
	f.freed[0] = f.freed[last]
	f.freed = f.freed[:last]
	for i := 0; ; {
		least := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < last && f.freed[child] < f.freed[least] {
				least = child
			}
		}
		if least == i {
			return lowest
		}
		f.freed[i], f.freed[least] = f.freed[least], f.freed[i]
		i = least
	}
}

// recordNumbers holds a record's number for every index, in chunks, so that
// growing never copies.
type recordNumbers struct{ chunks [][]uint64 }

const recordNumbersChunk = 4096

// notAdmitted is the number of no record, for indexes that a revocation emptied.
const notAdmitted = math.MaxUint64

func (n *recordNumbers) at(index uint64) uint64 {
	return n.chunks[index/recordNumbersChunk][index%recordNumbersChunk]
}

// set stores the number for an index that is at most one chunk beyond the
// last one.
func (n *recordNumbers) set(index, number uint64) {
	if index/recordNumbersChunk == uint64(len(n.chunks)) {
		n.chunks = append(n.chunks, make([]uint64, recordNumbersChunk))
	}
	n.chunks[index/recordNumbersChunk][index%recordNumbersChunk] = number
}

// revocations remembers keys that cannot come back with any nullifier key yet, in
// some 48 bytes each: delegates come and go every day. It holds keyed hashes of keys
// and of H(nk), with a key that every process draws: nobody can choose a nullifier key
// that passes for another one's, but by guessing 64 bits.
type revocations struct {
	seed     maphash.Seed
	byKey    map[uint64]revocation // by the hash of the identity
	earliest int64                 // no entry ends before
}

// revocation is what a revocation leaves behind for a while.
type revocation struct {
	// nullifierHash is the hash of H(nk), or anyNullifier.
	nullifierHash uint64
	// until is when the key can come back with another nullifier key, in Unix
	// seconds.
	until int64
}

// anyNullifier stands for a key that was revoked with two nullifier keys, which an
// earlier rule allowed: it waits, whatever it comes back with.
const anyNullifier = 0

// add notes a revocation of now, and forgets those that are over.
func (r *revocations) add(id identity, nullifierHash [32]byte, until, now int64) {
	r.forget(now)
	if r.byKey == nil {
		r.seed, r.byKey = maphash.MakeSeed(), make(map[uint64]revocation)
	}
	if len(r.byKey) == 0 {
		r.earliest = until
	}
	key, rev := maphash.Comparable(r.seed, id), revocation{r.hash(nullifierHash), until}
	if before, found := r.byKey[key]; found {
		rev.until = max(rev.until, before.until)
		if before.nullifierHash != rev.nullifierHash {
			rev.nullifierHash = anyNullifier
		}
	}
	r.earliest = min(r.earliest, until)
	r.byKey[key] = rev
}

// hash returns the hash of H(nk), which is never anyNullifier.
func (r *revocations) hash(nullifierHash [32]byte) uint64 {
	return max(1, maphash.Comparable(r.seed, nullifierHash))
}

// readmit forgets the revocation of a key with the nullifier key that it comes back
// with: while it is live, no other can come, and its next revocation is noted anew.
func (r *revocations) readmit(id identity, nullifierHash [32]byte) {
	if len(r.byKey) == 0 {
		return
	}
	key := maphash.Comparable(r.seed, id)
	if r.byKey[key].nullifierHash == r.hash(nullifierHash) {
		delete(r.byKey, key)
	}
}

// forget walks through all entries when some are over, so once an epoch.
func (r *revocations) forget(now int64) {
	if now < r.earliest {
		return
	}
	r.earliest = math.MaxInt64
	for key, rev := range r.byKey {
		if rev.until <= now {
			delete(r.byKey, key)
			continue
		}
		r.earliest = min(r.earliest, rev.until)
	}
}

// waitsUntil returns from when on the identity can come back with a nullifier
// key, in Unix seconds; 0 if no revocation with another one is remembered.
func (r *revocations) waitsUntil(id identity, nullifierHash [32]byte) int64 {
	if len(r.byKey) == 0 {
		return 0
	}
	rev, found := r.byKey[maphash.Comparable(r.seed, id)]
	if !found || rev.nullifierHash == r.hash(nullifierHash) {
		return 0
	}
	return rev.until
}
