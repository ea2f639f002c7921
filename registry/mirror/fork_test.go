package mirror

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry"
)

// TestFork shows a client two histories. Each is refused, and the evidence
// holds both signed notes.
func TestFork(t *testing.T) {
	base := newTestLog(t, registry.SmallCapacityBits)
	base.admit(t, 0, 400)
	forkAt := func(n int, more uint64) *testLog {
		f := base.first(t, n)
		for i := range more {
			f.apply(t, registry.Operation{Kind: registry.Admit, KeyType: zkkex.KeyBabyJubjub, Index: f.tree.Next(), Leaf: leaf(10_000 + i)})
		}
		return f
	}
	later := testTime.Add(time.Minute)
	for name, test := range map[string]struct {
		fork       *testLog
		at         time.Time
		conclusive bool
	}{
		"same size":                      {forkAt(399, 1), later, true},
		"larger, from within":            {forkAt(300, 200), later, false},
		"larger, from the first":         {forkAt(0, 1000), later, false},
		"larger, but signed before":      {forkAt(400, 1), testTime.Add(-time.Minute), true},
		"smaller, another history":       {forkAt(100, 50), later, false},
		"rolled back and signed anew":    {forkAt(300, 0), later, true},
		"rolled back to a known size":    {forkAt(200, 0), later, true},
		"known size, another history":    {forkAt(199, 1), later, true},
		"rolled back to the empty state": {forkAt(0, 0), later, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTestServer(t, base.first(t, 200))
			dir := t.TempDir()
			m := mustMirror(t, dir, s.config())
			mustSync(t, m)
			s.serve(t, base, testTime)
			mustSync(t, m)
			known := bytes.Clone(m.Checkpoint().Note)
			if name == "known size, another history" {
				known = base.first(t, 200).sign(t, base.first(t, 200).state(t, testTime))
			}

			s.serve(t, test.fork, test.at)
			s.forget()
			_, err := m.Sync(t.Context())
			var fork *registry.ForkError
			if !errors.As(err, &fork) || fork.Conclusive != test.conclusive {
				t.Fatalf("got %v; want a fork, conclusive %v", err, test.conclusive)
			}
			if got := entries(s.forget()); len(got) != 0 {
				t.Fatalf("bundles of a forked log were fetched: %q", got)
			}
			var evidence *EvidenceError
			if !errors.As(err, &evidence) {
				t.Fatalf("no evidence in %v", err)
			}
			saved, err := os.ReadFile(evidence.File)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(fork.Older, known) || !bytes.Equal(fork.Newer, s.checkpoint) {
				t.Fatalf("the notes are not the known one and the refused one")
			}
			for _, n := range [][]byte{fork.Older, fork.Newer} {
				if _, err := registry.Open(n, m.policy.registrar); err != nil || !bytes.Contains(saved, n) {
					t.Fatalf("note of the evidence: %v, saved: %v", err, bytes.Contains(saved, n))
				}
			}
			if !test.conclusive && bytes.Contains(saved, []byte("RFC 6962")) != (len(test.fork.ops) > 400) {
				t.Fatalf("the consistency proof is not in the evidence:\n%s", saved)
			}

			checkAt(t, m, base)
			if _, again := m.Sync(t.Context()); !errors.Is(again, registry.ErrFork) {
				t.Fatalf("the second time: %v; want a fork", again)
			}
			if files, err := os.ReadDir(m.path("evidence")); err != nil || len(files) != 1 {
				t.Fatalf("the same evidence is kept once, got %d files (%v)", len(files), err)
			}
			s.serve(t, base, later)
			mustSync(t, m)
			checkAt(t, mustMirror(t, dir, s.config()), base)
		})
	}
}

func TestEvidenceIsBounded(t *testing.T) {
	l := newTestLog(t, registry.SmallCapacityBits)
	l.admit(t, 0, 2)
	s := newTestServer(t, l)
	m := mustMirror(t, t.TempDir(), s.config())
	mustSync(t, m)
	forked := l.first(t, 1)
	for i := range maxEvidence + 2 {
		s.serve(t, forked, testTime.Add(time.Duration(i+1)*time.Second))
		if _, err := m.Sync(t.Context()); !errors.Is(err, registry.ErrFork) || !errors.As(err, new(*EvidenceError)) {
			t.Fatalf("got %v; want a fork with evidence", err)
		}
	}
	if files, err := os.ReadDir(m.path("evidence")); err != nil || len(files) != maxEvidence {
		t.Fatalf("%d files are kept (%v); want %d", len(files), err, maxEvidence)
	}
}

func TestOlderCheckpointIsNoFork(t *testing.T) {
	l := newTestLog(t, registry.SmallCapacityBits)
	l.admit(t, 0, 300)
	s := newTestServer(t, l)
	old := s.checkpoint
	unknown := l.first(t, 250)
	m := mustMirror(t, t.TempDir(), s.config())
	mustSync(t, m)
	l.admit(t, 300, 10)
	s.serve(t, l, testTime.Add(time.Second))
	mustSync(t, m)

	for name, replayed := range map[string][]byte{
		"known":   old,
		"unknown": unknown.sign(t, unknown.state(t, testTime)),
	} {
		s.serveNote(l, replayed)
		if _, err := m.Sync(t.Context()); !errors.Is(err, registry.ErrOlder) || errors.Is(err, registry.ErrFork) {
			t.Fatalf("%s old checkpoint, replayed: %v; want ErrOlder", name, err)
		}
	}
	checkAt(t, m, l)
}

// TestLyingRegistrar signs checkpoints that do not follow from the log.
func TestLyingRegistrar(t *testing.T) {
	for name, lie := range map[string]func(*testing.T, *testLog, *registry.Checkpoint){
		"root":     func(_ *testing.T, _ *testLog, c *registry.Checkpoint) { c.Root = zkkex.Root(leaf(1)) },
		"count":    func(_ *testing.T, _ *testLog, c *registry.Checkpoint) { c.Members[zkkex.KeyBabyJubjub]++ },
		"no count": func(_ *testing.T, _ *testLog, c *registry.Checkpoint) { clear(c.Members) },
		"capacity": func(_ *testing.T, _ *testLog, c *registry.Checkpoint) { c.CapacityBits = registry.LargeCapacityBits },
		"operation that does not apply": func(t *testing.T, l *testLog, c *registry.Checkpoint) {
			l.record(t, registry.Operation{Kind: registry.Admit, KeyType: zkkex.KeyBabyJubjub, Index: 0, Leaf: leaf(1)})
			signed := l.state(t, c.Time)
			c.Sequence, c.LogRoot = signed.Sequence, signed.LogRoot
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newTestLog(t, registry.SmallCapacityBits)
			l.admit(t, 0, 300)
			s := newTestServer(t, l)
			dir := t.TempDir()
			m := mustMirror(t, dir, s.config())
			mustSync(t, m)
			honest := l.first(t, 300)

			l.admit(t, 300, 20)
			l.revoke(t, 5)
			truth := l.first(t, len(l.ops))
			c := l.state(t, testTime.Add(time.Second))
			lie(t, l, c)
			s.serveNote(l, l.sign(t, c))
			_, err := m.Sync(t.Context())
			var evidence *EvidenceError
			if !errors.Is(err, ErrReplay) || !errors.As(err, &evidence) {
				t.Fatalf("got %v; want ErrReplay with evidence", err)
			}
			if saved, err := os.ReadFile(evidence.File); err != nil || !bytes.Contains(saved, s.checkpoint) {
				t.Fatalf("the signed lie is not in the evidence (%v)", err)
			}
			checkAt(t, m, honest)
			checkAt(t, mustMirror(t, dir, s.config()), honest)
			if name == "capacity" && m.Checkpoint().CapacityBits != registry.SmallCapacityBits {
				t.Fatal("the lie was taken in")
			}

			s.serve(t, truth, testTime.Add(time.Minute))
			mustSync(t, m)
			checkAt(t, m, truth)
		})
	}
}
