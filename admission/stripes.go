package admission

import (
	"sync"

	"github.com/zkkex/zkkex"
)

// stripes lets one caller at a time look at what stands under a nullifier or a
// session key and write what follows from it, while others do so under others.
// Pruning excludes all of them.
type stripes struct {
	all sync.RWMutex
	by  [256]sync.Mutex
}

// hold waits for a nullifier, and for a key unless it is nil, and returns what lets
// go of them. Both are random to whoever does not choose them; who does only waits
// for themselves and a 256th of the others.
func (s *stripes) hold(n zkkex.Nullifier, key *[32]byte) (release func()) {
	first := int(n[len(n)-1])
	second := first
	if key != nil {
		second = int(key[len(key)-1])
	}
	first, second = min(first, second), max(first, second) // so that no two wait for each other
	s.all.RLock()
	s.by[first].Lock()
	if second != first {
		s.by[second].Lock()
	}
	return func() {
		if second != first {
			s.by[second].Unlock()
		}
		s.by[first].Unlock()
		s.all.RUnlock()
	}
}
