package session

import (
	"testing"
	"time"
)

func TestMoment(t *testing.T) {
	now := time.Now()
	for range 1000 {
		if m := moment(now, now.Add(3)); m.Before(now.Round(0)) || !m.Before(now.Round(0).Add(3)) {
			t.Fatalf("%v is not within 3 ns of %v", m, now)
		}
	}
	for _, to := range []time.Time{now, now.Add(-time.Hour), {}} {
		if m := moment(now, to); !m.Equal(now) {
			t.Errorf("%v in an empty window from %v", m, now)
		}
	}
}

func TestBackoff(t *testing.T) {
	for n := 1; n < 200; n++ {
		d := min(time.Second<<min(n-1, 20), time.Minute)
		for range 20 {
			if got := backoff(n, time.Second, time.Minute); got < d/2 || got >= d/2+d {
				t.Fatalf("%v after %d failures, want half to one and a half of %v", got, n, d)
			}
		}
	}
}
