package verifier

import "time"

// suspects are the sources that sent a bad proof lately. Their proofs are
// batched with each other's alone, so that a source makes other people's batch
// fail once per [SuspectFor] at most. It is not safe for concurrent use.
type suspects map[string]time.Time // until when

func (s suspects) add(source string, now time.Time) {
	for other := range s {
		if !s.has(other, now) {
			delete(s, other)
		}
	}
	if _, known := s[source]; !known && len(s) >= maxSuspects {
		for other := range s { // any one of them
			delete(s, other)
			break
		}
	}
	s[source] = now.Add(SuspectFor)
}

func (s suspects) has(source string, now time.Time) bool {
	until, known := s[source]
	return known && now.Before(until)
}
