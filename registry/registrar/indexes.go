package registrar

import (
	"slices"
)

// freeIndexes hands out indexes: the lowest that a revocation freed, and if
// there is none the first that was never used. Freed ones are a binary heap.
type freeIndexes struct {
	freed []uint32
	next  uint64
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

// revocation is what a revocation leaves behind for a while.
type revocation struct {
	nullifierHash [32]byte
	unix          int64
}

// revocations remembers keys that were revoked in the current epoch.
type revocations struct {
	byIdentity map[identity][]revocation
	since      int64 // entries older than the epoch that began here were dropped
}

// add notes a revocation, and forgets those before the epoch that begins at
// start.
func (r *revocations) add(id identity, rev revocation, start int64) {
	r.forget(start)
	if rev.unix < start {
		return
	}
	if r.byIdentity == nil {
		r.byIdentity = make(map[identity][]revocation)
	}
	r.byIdentity[id] = append(r.byIdentity[id], rev)
}

func (r *revocations) forget(start int64) {
	if start <= r.since {
		return
	}
	r.since = start
	for id, list := range r.byIdentity {
		list = slices.DeleteFunc(list, func(rev revocation) bool { return rev.unix < start })
		if len(list) == 0 {
			delete(r.byIdentity, id)
			continue
		}
		r.byIdentity[id] = list
	}
}

// otherSince reports whether the identity was revoked since start with another
// nullifier key than the one given.
func (r *revocations) otherSince(id identity, nullifierHash [32]byte, start int64) bool {
	return slices.ContainsFunc(r.byIdentity[id], func(rev revocation) bool {
		return rev.unix >= start && rev.nullifierHash != nullifierHash
	})
}
