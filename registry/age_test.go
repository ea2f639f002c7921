package registry

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
)

// TestMaxAge freezes a registry at a checkpoint: from its maximum age on,
// nothing is decided by it, neither for its own root nor for others.
func TestMaxAge(t *testing.T) {
	log := newTestLog(t)
	roots := newTestRoots(t, log)
	log.apply(admit(0, 0))
	old := mustAdd(t, roots, log.sign(log.checkpoint(testTime)), nil)
	log.apply(admit(1, 1))
	newest := mustAdd(t, roots, log.sign(log.checkpoint(testTime.Add(time.Minute))), log.proof(1))
	for name, policy := range map[string]RootPolicy{
		"newest": roots.Newest(time.Hour), "grace": roots.Grace(1000*time.Hour, time.Hour),
	} {
		for _, test := range []struct {
			age  time.Duration
			want error
		}{
			{0, nil},
			{time.Hour, nil},
			{time.Hour + time.Second, ErrOutdated},
			{365 * 24 * time.Hour, ErrOutdated},
			{-MaxClockSkew, nil},
			{-MaxClockSkew - time.Second, ErrClock},
		} {
			now := newest.Time.Add(test.age)
			_, err := policy.Accept(newest.Sequence, newest.Root, now)
			wantAge(t, name, err, test.want, test.age)
			if test.want != nil {
				_, err := policy.Accept(old.Sequence, old.Root, now)
				wantAge(t, name+", an older root", err, test.want, test.age)
				_, err = policy.Accept(old.Sequence, zkkex.Root{1}, now)
				wantAge(t, name+", an unknown root", err, test.want, test.age)
			}
		}
	}
	log.apply(admit(2, 2))
	mustAdd(t, roots, log.sign(log.checkpoint(testTime.Add(2*time.Hour))), log.proof(2))
	_, err := roots.Newest(time.Hour).Accept(newest.Sequence, newest.Root, testTime.Add(2*time.Hour))
	wantReason(t, "after a newer checkpoint came", err, zkkex.StaleRoot)
	_, err = roots.Newest(0).Accept(3, roots.Latest().Root, testTime.Add(2*time.Hour+1))
	wantAge(t, "no age allowed", err, ErrOutdated, 1)
}

// wantAge checks that a policy could not tell, and says why.
func wantAge(t *testing.T, what string, err, want error, age time.Duration) {
	t.Helper()
	if want == nil {
		if err != nil {
			t.Errorf("%s, age %v: %v", what, age, err)
		}
		return
	}
	var e *AgeError
	if !errors.As(err, &e) || !errors.Is(err, want) || errors.Is(err, zkkex.ErrRejected) || e.Age != age {
		t.Errorf("%s, age %v: %v; want an undecided %v", what, age, err, want)
		return
	}
	for _, part := range []string{"checkpoint", "expected at most", e.Signed.Format(time.RFC3339)} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %q does not say %q", what, err, part)
		}
	}
}
