package registry

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex"
)

func newTestRoots(t testing.TB, log *testLog) *Roots {
	t.Helper()
	r, err := NewRoots(log.vkey)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustAdd(t testing.TB, r *Roots, signed []byte, proof tlog.TreeProof) *SignedCheckpoint {
	t.Helper()
	c, err := r.Add(signed, proof)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wantReason checks that a policy rejects for one reason.
func wantReason(t *testing.T, what string, err error, reason zkkex.Reason) {
	t.Helper()
	var rejected *zkkex.RejectError
	if !errors.As(err, &rejected) || rejected.Reason != reason {
		t.Errorf("%s: %v; want a rejection for %s", what, err, reason)
	}
}

// forever is a maximum age for tests about something else.
const forever time.Duration = math.MaxInt64

// TestGraceCountsFromSupersession is trap B4: a root that was current for a
// year, and renewed shortly before it was superseded, is accepted for the grace.
func TestGraceCountsFromSupersession(t *testing.T) {
	log := newTestLog(t)
	roots := newTestRoots(t, log)
	log.apply(admit(0, 0))
	first := mustAdd(t, roots, log.sign(log.checkpoint(testTime)), nil)
	superseded := testTime.Add(365 * 24 * time.Hour)
	mustAdd(t, roots, log.sign(log.checkpoint(superseded.Add(-20*time.Second))), nil)
	log.apply(admit(1, 1))
	second := mustAdd(t, roots, log.sign(log.checkpoint(superseded)), log.proof(1))
	log.apply(admit(2, 2))
	third := mustAdd(t, roots, log.sign(log.checkpoint(superseded.Add(50*time.Second))), log.proof(2))

	grace := roots.Grace(time.Minute, forever)
	for _, test := range []struct {
		name   string
		c      *SignedCheckpoint
		at     time.Duration // after the first supersession
		reason zkkex.Reason
	}{
		{"superseded just now", first, 0, ""},
		{"at the end of the grace", first, 40 * time.Second, ""},
		{"after the grace", first, 41 * time.Second, zkkex.StaleRoot},
		{"superseded by the third", second, 60 * time.Second, ""},
		{"after its grace", second, 61 * time.Second, zkkex.StaleRoot},
		{"the newest, years later", third, 10000 * time.Hour, ""},
		{"a verifier whose clock is behind", first, -4 * time.Minute, ""},
	} {
		got, err := grace.Accept(test.c.Sequence, test.c.Root, superseded.Add(test.at))
		if test.reason != "" {
			wantReason(t, test.name, err, test.reason)
			continue
		}
		if err != nil || got.Sequence != test.c.Sequence {
			t.Errorf("%s: %v, %v", test.name, got, err)
		}
	}

	newest := roots.Newest(forever)
	_, err := newest.Accept(second.Sequence, second.Root, superseded.Add(50*time.Second))
	wantReason(t, "newest only", err, zkkex.StaleRoot)
	if _, err := newest.Accept(third.Sequence, third.Root, superseded); err != nil {
		t.Errorf("newest: %v", err)
	}
}

// TestGraceAcrossAGap has a verifier that missed the checkpoint in which a
// member was revoked: the grace does not begin with the next one that it sees.
func TestGraceAcrossAGap(t *testing.T) {
	log := newTestLog(t)
	roots := newTestRoots(t, log)
	log.apply(admissions(2)...)
	with := mustAdd(t, roots, log.sign(log.checkpoint(testTime)), nil)
	log.apply(revoke(1, 1)) // a minute later, in a checkpoint that is missed
	log.apply(admit(2, 2))
	seen := testTime.Add(10 * time.Hour)
	mustAdd(t, roots, log.sign(log.checkpoint(seen)), log.proof(2))
	for _, test := range []struct {
		name   string
		grace  time.Duration
		reason zkkex.Reason
	}{
		{"an hour", time.Hour, zkkex.StaleRoot},
		{"a second less than the gap", 10*time.Hour - time.Second, zkkex.StaleRoot},
		{"the gap", 10 * time.Hour, ""},
	} {
		_, err := roots.Grace(test.grace, forever).Accept(with.Sequence, with.Root, seen)
		if test.reason != "" {
			wantReason(t, test.name, err, test.reason)
		} else if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestPoliciesRejectUnknownRoots(t *testing.T) {
	log := newTestLog(t)
	roots := newTestRoots(t, log)
	_, err := roots.Newest(forever).Accept(1, zkkex.Root{}, testTime)
	wantReason(t, "nothing known", err, zkkex.UnknownRoot)

	log.apply(admissions(5)...)
	c := mustAdd(t, roots, log.sign(log.checkpoint(testTime)), nil)
	for _, policy := range []RootPolicy{roots.Newest(forever), roots.Grace(time.Hour, forever), Pinned(&c.Checkpoint)} {
		for _, sequence := range []uint64{0, 4, 6, 1 << 63} {
			_, err := policy.Accept(sequence, c.Root, testTime)
			wantReason(t, fmt.Sprintf("sequence %d", sequence), err, zkkex.UnknownRoot)
		}
		_, err := policy.Accept(c.Sequence, zkkex.Root{1}, testTime)
		wantReason(t, "another root", err, zkkex.UnknownRoot)
		if got, err := policy.Accept(c.Sequence, c.Root, testTime); err != nil || got.Sequence != c.Sequence {
			t.Errorf("the root itself: %v, %v", got, err)
		}
	}
}

func TestPinnedOutlivesSupersession(t *testing.T) {
	log := newTestLog(t)
	roots := newTestRoots(t, log)
	log.apply(admit(0, 0))
	first := mustAdd(t, roots, log.sign(log.checkpoint(testTime)), nil)
	pinned := Pinned(&first.Checkpoint)
	log.apply(admit(1, 1))
	second := mustAdd(t, roots, log.sign(log.checkpoint(testTime)), log.proof(1))
	if _, err := pinned.Accept(first.Sequence, first.Root, testTime.Add(time.Hour)); err != nil {
		t.Errorf("the pinned root: %v", err)
	}
	_, err := pinned.Accept(second.Sequence, second.Root, testTime)
	wantReason(t, "the newest root", err, zkkex.UnknownRoot)
}

// TestRenewedCheckpoint repeats a state with later times: the root stays
// current, and the grace of the one before counts from its own last time.
func TestRenewedCheckpoint(t *testing.T) {
	log := newTestLog(t)
	roots := newTestRoots(t, log)
	log.apply(admit(0, 0))
	first := mustAdd(t, roots, log.sign(log.checkpoint(testTime)), nil)
	log.apply(admit(1, 1))
	for hour := range 4 {
		at := testTime.Add(time.Duration(hour+1) * time.Hour)
		mustAdd(t, roots, log.sign(log.checkpoint(at)), log.proof(1))
		if got := roots.Latest().Time; !got.Equal(at) {
			t.Fatalf("newest is of %v, expected %v", got, at)
		}
	}
	if n := len(roots.history); n != 3 {
		t.Errorf("%d checkpoints kept, expected the first, and the first and last of the second state", n)
	}
	grace := roots.Grace(5*time.Hour, forever)
	_, err := grace.Accept(first.Sequence, first.Root, testTime.Add(5*time.Hour+time.Second))
	wantReason(t, "never renewed itself", err, zkkex.StaleRoot)
	if _, err := grace.Accept(first.Sequence, first.Root, testTime.Add(5*time.Hour)); err != nil {
		t.Errorf("within the grace: %v", err)
	}
	if _, err := grace.Accept(2, roots.Latest().Root, testTime.Add(1000*time.Hour)); err != nil {
		t.Errorf("the renewed root: %v", err)
	}
	log.apply(admit(2, 2))
	mustAdd(t, roots, log.sign(log.checkpoint(testTime.Add(5*time.Hour))), log.proof(2))
	renewed := testTime.Add(4 * time.Hour)
	if _, err := grace.Accept(2, roots.history[1].Root, renewed.Add(5*time.Hour)); err != nil {
		t.Errorf("within the grace of the last renewal: %v", err)
	}
	_, err = grace.Accept(2, roots.history[1].Root, renewed.Add(5*time.Hour+time.Second))
	wantReason(t, "after the grace of the last renewal", err, zkkex.StaleRoot)
}

// TestRootThatComesBack admits and revokes, so that the root is the one of
// before: it is current again, whatever the sequence number.
func TestRootThatComesBack(t *testing.T) {
	log := newTestLog(t)
	roots := newTestRoots(t, log)
	log.apply(admit(0, 0))
	first := mustAdd(t, roots, log.sign(log.checkpoint(testTime)), nil)
	log.apply(admit(1, 1))
	mustAdd(t, roots, log.sign(log.checkpoint(testTime)), log.proof(1))
	log.apply(revoke(1, 1))
	third := mustAdd(t, roots, log.sign(log.checkpoint(testTime)), log.proof(2))
	if first.Root != third.Root {
		t.Fatal("the root did not come back")
	}
	for _, c := range []*SignedCheckpoint{first, third} {
		if _, err := roots.Newest(forever).Accept(c.Sequence, c.Root, testTime.Add(time.Hour)); err != nil {
			t.Errorf("sequence %d: %v", c.Sequence, err)
		}
	}
}

func TestForks(t *testing.T) {
	log, evil := newTestLog(t), newTestLog(t)
	log.apply(admissions(5)...)
	evil.apply(append(admissions(4), admit(4, 99))...)
	good := log.sign(log.checkpoint(testTime))
	change := func(f func(*Checkpoint)) []byte {
		c := log.checkpoint(testTime)
		f(c)
		return log.sign(c)
	}
	evilSame := evil.sign(evil.checkpoint(testTime))
	evil.apply(admit(5, 5))
	evilLater := evil.sign(evil.checkpoint(testTime.Add(time.Hour)))
	for _, test := range []struct {
		name       string
		signed     []byte
		proof      tlog.TreeProof
		conclusive bool
		detail     string
	}{
		{"another log of the same sequence", evilSame, nil, true, "two different checkpoints of sequence 5"},
		{"another member root", change(func(c *Checkpoint) { c.Root = zkkex.Root{1} }), nil, true, "two different"},
		{"another log root", change(func(c *Checkpoint) { c.LogRoot[0] ^= 1 }), nil, true, "two different"},
		{"another capacity", change(func(c *Checkpoint) { c.CapacityBits = 32 }), nil, true, "two different"},
		{"another count", change(func(c *Checkpoint) { c.Members[zkkex.KeyBabyJubjub] = 4 }), nil, true, "two different"},
		{"later, but of another log", evilLater, evil.proof(5), false, "was not shown to extend"},
		{"later, without a proof", evilLater, nil, false, "was not shown to extend"},
		{"more operations, but earlier", change(func(c *Checkpoint) { c.Sequence, c.Time = 6, testTime.Add(-time.Second) }), nil, true, "before checkpoint 5"},
	} {
		roots := newTestRoots(t, log)
		mustAdd(t, roots, good, nil)
		_, err := roots.Add(test.signed, test.proof)
		var fork *ForkError
		if !errors.As(err, &fork) || !errors.Is(err, ErrFork) || !strings.Contains(err.Error(), test.detail) {
			t.Errorf("%s: %v; want a fork with %q", test.name, err, test.detail)
			continue
		}
		if fork.Conclusive != test.conclusive || !bytes.Equal(fork.Older, good) || !bytes.Equal(fork.Newer, test.signed) {
			t.Errorf("%s: conclusive %v, evidence %q and %q", test.name, fork.Conclusive, fork.Older, fork.Newer)
		}
		if roots.Latest().Sequence != 5 || !bytes.Equal(roots.Latest().Note, good) {
			t.Errorf("%s: the newest checkpoint changed", test.name)
		}
	}
}

func TestCapacityNeverShrinks(t *testing.T) {
	log := newTestLog(t)
	log.apply(admit(0, 0), grow())
	roots := newTestRoots(t, log)
	mustAdd(t, roots, log.sign(log.checkpoint(testTime)), nil)
	log.apply(admit(1, 1))
	c := log.checkpoint(testTime)
	c.CapacityBits = SmallCapacityBits
	var fork *ForkError
	if _, err := roots.Add(log.sign(c), log.proof(2)); !errors.As(err, &fork) || !fork.Conclusive {
		t.Fatalf("smaller capacity: %v; want a conclusive fork", err)
	}
}

func TestAddOlder(t *testing.T) {
	log := newTestLog(t)
	log.apply(admit(0, 0))
	older := log.sign(log.checkpoint(testTime))
	roots := newTestRoots(t, log)
	log.apply(admit(1, 1))
	newer := log.sign(log.checkpoint(testTime.Add(time.Minute)))
	mustAdd(t, roots, newer, nil)
	if _, err := roots.Add(older, nil); !errors.Is(err, ErrOlder) {
		t.Errorf("older, unknown: %v; want ErrOlder", err)
	}
	mustAdd(t, roots, newer, nil) // again: no error
	if n := len(roots.history); n != 1 {
		t.Errorf("%d checkpoints kept, expected 1", n)
	}
	renewedEarlier := log.checkpoint(testTime)
	mustAdd(t, roots, log.sign(renewedEarlier), nil)
	if !roots.Latest().Time.Equal(testTime.Add(time.Minute)) {
		t.Error("an earlier signing of the same state took the newest one's place")
	}
}

func TestFromTheEmptyLog(t *testing.T) {
	log := newTestLog(t)
	roots := newTestRoots(t, log)
	mustAdd(t, roots, log.sign(log.checkpoint(testTime)), nil)
	log.apply(admit(0, 0))
	mustAdd(t, roots, log.sign(log.checkpoint(testTime)), nil)
	if roots.Latest().Sequence != 1 {
		t.Errorf("newest is %d", roots.Latest().Sequence)
	}
}

// TestHistoryIsBounded fills the history by hand; signing takes too long.
func TestHistoryIsBounded(t *testing.T) {
	log := newTestLog(t)
	log.apply(admissions(2)...)
	roots := newTestRoots(t, log)
	mustAdd(t, roots, log.sign(log.checkpoint(testTime)), nil)
	for len(roots.history) < MaxRoots {
		roots.history = append([]*SignedCheckpoint{{}}, roots.history...)
	}
	log.apply(admit(2, 2))
	mustAdd(t, roots, log.sign(log.checkpoint(testTime)), log.proof(2))
	if n := len(roots.history); n != MaxRoots || roots.Latest().Sequence != 3 {
		t.Errorf("%d checkpoints kept, expected %d; newest %d", n, MaxRoots, roots.Latest().Sequence)
	}
}

func TestSaveAndLoadRoots(t *testing.T) {
	log := newTestLog(t)
	roots := newTestRoots(t, log)
	path := filepath.Join(t.TempDir(), "roots")
	if _, err := LoadRoots(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("no file: %v; want fs.ErrNotExist", err)
	}
	var last uint64
	for i := range 4 {
		log.apply(admit(uint64(i), i))
		mustAdd(t, roots, log.sign(log.checkpoint(testTime.Add(time.Duration(i)*time.Minute))), log.proof(max(last, 1)))
		last = log.tree.Sequence()
	}
	if err := SaveRoots(path, roots); err != nil {
		t.Fatal(err)
	}
	loaded, err := LoadRoots(path)
	if err != nil {
		t.Fatal(err)
	}
	if loaded.Registry() != roots.Registry() || loaded.VerifierKey() != log.vkey || len(loaded.history) != 4 {
		t.Fatalf("loaded %d checkpoints of %v", len(loaded.history), loaded.Registry())
	}
	_, err = loaded.Grace(time.Minute, forever).Accept(2, roots.history[1].Root, testTime.Add(4*time.Minute))
	wantReason(t, "after loading", err, zkkex.StaleRoot)

	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	fork := log.checkpoint(testTime.Add(time.Hour))
	fork.Root = zkkex.Root{1}
	for _, test := range []struct {
		name   string
		text   []byte
		class  error
		reason string
	}{
		{"empty", nil, zkkex.ErrMalformed, "zkkex/v1 checkpoints"},
		{"truncated", text[:len(text)-1], zkkex.ErrMalformed, "the last checkpoint has"},
		{"a signature changed", bytes.Replace(text, []byte("babyjubjub 3"), []byte("babyjubjub 2"), 1), ErrSignature, "checkpoint 2 of the file"},
		{"a length with a zero", bytes.Replace(text, []byte(log.vkey+"\n"), []byte(log.vkey+"\n0"), 1), zkkex.ErrMalformed, "length of a checkpoint"},
		{"a length too large", append(bytes.Clone(text), "99999\n"...), zkkex.ErrMalformed, "expected 1 to"},
		{"a length too long", append(bytes.Clone(text), "999999999\n"...), zkkex.ErrMalformed, "digits"},
		{"a fork", AppendCheckpoint(bytes.Clone(text), log.sign(fork)), ErrFork, "two different"},
		{"another key", bytes.Replace(text, []byte(log.vkey), []byte(otherKey(t)), 1), ErrSignature, "checkpoint 0 of the file"},
	} {
		if _, err := ParseRoots(test.text); !errors.Is(err, test.class) || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: %v; want %v with %q", test.name, err, test.class, test.reason)
		}
	}
}

func otherKey(t *testing.T) string {
	_, vkey := testKey(t, testOrigin, "zkkex test namesake")
	return vkey
}

// TestRootsConcurrently is for the race detector.
func TestRootsConcurrently(t *testing.T) {
	log := newTestLog(t)
	roots := newTestRoots(t, log)
	log.apply(admissions(1)...)
	mustAdd(t, roots, log.sign(log.checkpoint(testTime)), nil)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				c := roots.Latest()
				if _, err := roots.Grace(time.Hour, forever).Accept(c.Sequence, c.Root, testTime); err != nil {
					t.Error(err)
					return
				}
				if _, err := roots.MarshalText(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := 1; i < 20; i++ {
		log.apply(admit(uint64(i), i))
		mustAdd(t, roots, log.sign(log.checkpoint(testTime)), log.proof(uint64(i)))
	}
	close(stop)
	wg.Wait()
}

func FuzzParseRoots(f *testing.F) {
	log := newTestLog(f)
	roots := newTestRoots(f, log)
	add := func() {
		text, err := roots.MarshalText()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	add()
	log.apply(admissions(2)...)
	mustAdd(f, roots, log.sign(log.checkpoint(testTime)), nil)
	add()
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := ParseRoots(text)
		if err != nil {
			return
		}
		again, err := r.MarshalText()
		if err != nil || !bytes.Equal(again, text) {
			t.Fatalf("parsed %q, encoded %q, %v", text, again, err)
		}
	})
}
