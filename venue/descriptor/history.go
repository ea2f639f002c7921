package descriptor

import (
	"fmt"
	"slices"
	"time"
)

// MaxRetained is the number of descriptors that a [Chain] or a [Store] keeps in
// memory, the newest ones. With one a day, more than two years.
const MaxRetained = 1024

// history is a venue's descriptors with consecutive numbers, each of which
// follows those before it.
type history []*Signed

func (h history) latest() *Signed {
	if len(h) == 0 {
		return nil
	}
	return h[len(h)-1]
}

func (h history) byNumber(n uint64) *Signed {
	if len(h) == 0 || n < h[0].Number || n > h.latest().Number {
		return nil
	}
	return h[n-h[0].Number]
}

// add returns the history with next, and without the oldest beyond
// [MaxRetained].
func (h history) add(next *Signed) history {
	h = append(h, next)
	return slices.Delete(h, 0, max(0, len(h)-MaxRetained))
}

// end returns the first instant at which descriptor i is not valid any more: a
// later one that raises the generation ends it early. If that is not after its
// beginning, it never was valid.
func (h history) end(i int) time.Time {
	end := h[i].NotAfter
	for _, later := range h[i+1:] {
		if later.Generation > h[i].Generation && later.NotBefore.Before(end) {
			end = later.NotBefore
		}
	}
	return end
}

// valid returns the descriptors that are valid at a time, the newest last. They
// are at most two.
func (h history) valid(now time.Time) (out []*Signed) {
	for i, s := range h {
		if !now.Before(s.NotBefore) && now.Before(h.end(i)) {
			out = append(out, s)
		}
	}
	return out
}

// follow checks that next may come after the descriptors of a history, which is
// not empty and whose last number is one less. It returns nil if it may.
func (h history) follow(next *Signed) *violation {
	if v := h.latest().fixed(next); v != nil {
		return v
	}
	for _, earlier := range h {
		if v := earlier.terms(next); v != nil {
			return v
		}
	}
	return h.times(next)
}

// fixed checks next against the one before it.
func (s *Signed) fixed(next *Signed) *violation {
	broken := func(rule Rule, detail string, args ...any) *violation {
		return &violation{rule, s, fmt.Sprintf("descriptors %d and %d: ", s.Number, next.Number) + fmt.Sprintf(detail, args...)}
	}
	switch {
	case next.Previous != s.digest:
		return broken(NamesPrevious, "the second names the previous one %v, expected %v", next.Previous, s.digest)
	case next.Schedule != s.Schedule:
		return broken(SameSchedule, "epochs of %d seconds from %d on became %d seconds from %d on", s.Schedule.Length, s.Schedule.Origin, next.Schedule.Length, next.Schedule.Origin)
	case next.Registry != s.Registry:
		return broken(SameRegistry, "the registry %s became %s", s.Registry, next.Registry)
	case next.ChainID != s.ChainID:
		return broken(SameChain, "the chain %d became %d", s.ChainID, next.ChainID)
	case next.Generation < s.Generation:
		return broken(GenerationGrows, "the generation went back from %d to %d", s.Generation, next.Generation)
	}
	return nil
}

// terms checks what next names for its epochs against what an earlier one
// named.
func (s *Signed) terms(next *Signed) *violation {
	for _, was := range s.Epochs {
		for _, is := range next.Epochs {
			rule, detail := termsContradict(was, is, next.Generation > s.Generation)
			if rule != "" {
				return &violation{rule, s, fmt.Sprintf("descriptors %d and %d: %s", s.Number, next.Number, detail)}
			}
		}
	}
	return nil
}

func termsContradict(was, is EpochTerms, raised bool) (Rule, string) {
	same := is.Number == was.Number
	if same && is.Limit != was.Limit {
		return OneLimit, fmt.Sprintf("the limit of epoch %d changed from %d to %d", is.Number, was.Limit, is.Limit)
	}
	if same && !raised && (is.Sequence != was.Sequence || is.Root != was.Root) {
		return OneRoot, fmt.Sprintf("the root of epoch %d changed from %v of sequence %d to %v of sequence %d", is.Number, was.Root, was.Sequence, is.Root, is.Sequence)
	}
	if is.Number < was.Number && !raised {
		return "", "" // an epoch's root may well be older than the next one's
	}
	if detail := rootsContradict(was, is); detail != "" {
		return RootsGrow, detail
	}
	return "", ""
}

// times checks when next begins.
func (h history) times(next *Signed) *violation {
	last := h.latest()
	broken := func(rule Rule, older *Signed, detail string, args ...any) *violation {
		return &violation{rule, older, fmt.Sprintf("descriptors %d and %d: ", older.Number, next.Number) + fmt.Sprintf(detail, args...)}
	}
	raised := next.Generation > last.Generation
	if !raised && !next.NotBefore.After(last.NotBefore) {
		return broken(InOrder, last, "the second begins at %s, expected after the first, at %s", stamp(next.NotBefore), stamp(last.NotBefore))
	}
	for i, earlier := range h[:len(h)-1] {
		end := h.end(i)
		if !end.After(earlier.NotBefore) {
			continue // it never was valid
		}
		if raised && !next.NotBefore.After(earlier.NotBefore) {
			return broken(InOrder, earlier, "the second raises the generation and begins at %s, expected after the first, at %s", stamp(next.NotBefore), stamp(earlier.NotBefore))
		}
		if !raised && end.After(next.NotBefore) {
			return broken(TwoAtATime, earlier, "the second begins at %s, when the first and %d are valid until %s", stamp(next.NotBefore), last.Number, stamp(end))
		}
	}
	return nil
}
