package order

import (
	"testing"
	"time"
)

// teller is a visitor that finds fields by which requests could tell who sent them.
type teller struct {
	fieldCounter
	found []string
}

func (v *teller) text(f field, _ *string)    { v.found = append(v.found, f.name) }
func (v *teller) time(f field, _ *time.Time) { v.found = append(v.found, f.name) }

// Requests hold no text, in which a program could leave its name, and no time, which
// tells clocks apart; durations are in whole milliseconds.
func TestRequestsHoldNoTextAndNoTime(t *testing.T) {
	for _, k := range requestKinds {
		var v teller
		k.make().fields(&v)
		if len(v.found) != 0 {
			t.Errorf("%s has %v", k.name, v.found)
		}
		if len(v.seen) == 0 {
			t.Errorf("%s has no fields", k.name)
		}
	}
	r := sampleOrder()
	r.TimeToLive += time.Microsecond
	if CheckRequest(r) == nil {
		t.Error("a duration with microseconds was accepted")
	}
}
