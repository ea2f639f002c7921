package slots

import (
	"fmt"
	"math"
)

// Range is the slots that one device may take: Count of them from First on. The
// zero Range is all slots. Devices that share a key have disjoint ranges.
type Range struct {
	First uint32
	// Count is the number of slots, or 0 for all from First on.
	Count uint32
}

// String returns "first+count", as in "8+4", or "first+" without an end.
func (r Range) String() string {
	if r.Count == 0 {
		return fmt.Sprintf("%d+", r.First)
	}
	return fmt.Sprintf("%d+%d", r.First, r.Count)
}

// end returns the first slot after the range under a limit, at least First.
func (r Range) end(limit uint32) uint32 {
	end := uint64(limit)
	if r.Count != 0 {
		end = min(end, uint64(r.First)+uint64(r.Count))
	}
	return uint32(max(end, uint64(r.First)))
}

// within returns the number of slots of the range under a limit.
func (r Range) within(limit uint32) uint32 { return r.end(limit) - r.First }

// contains reports whether every slot of s is in r.
func (r Range) contains(s Range) bool {
	end := func(r Range) uint64 {
		if r.Count == 0 {
			return math.MaxUint64
		}
		return uint64(r.First) + uint64(r.Count)
	}
	return s.First >= r.First && end(s) <= end(r)
}
