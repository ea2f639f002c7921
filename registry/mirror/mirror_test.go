package mirror

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry"
)

func TestSync(t *testing.T) {
	l := newTestLog(t, registry.SmallCapacityBits)
	s := newTestServer(t, l)
	dir := t.TempDir()
	m := mustMirror(t, dir, s.config())

	if _, _, err := m.Path(leaf(1)); !errors.Is(err, ErrNotSynced) {
		t.Fatalf("before the first sync: %v; want ErrNotSynced", err)
	}
	mustSync(t, m) // of an empty registry
	checkAt(t, m, l)

	// Through sizes around those of a bundle.
	for _, n := range []uint64{1, 255, 1, 1, 300, 500} {
		first := l.tree.Next()
		l.admit(t, first, n)
		s.serve(t, l, testTime)
		if r := mustSync(t, m); r.Added != n || r.Checkpoint.Sequence != uint64(len(l.ops)) {
			t.Fatalf("report %+v; want %d new of %d", r, n, len(l.ops))
		}
		checkAt(t, m, l)
		checkPath(t, m, leaf(first+n-1), l.tree.Root())
	}
	if got := m.Members(zkkex.KeyBabyJubjub); got != l.tree.Members(zkkex.KeyBabyJubjub) {
		t.Fatalf("%d members; want %d", got, l.tree.Members(zkkex.KeyBabyJubjub))
	}

	l.revoke(t, 7)
	s.serve(t, l, testTime)
	if _, _, err := m.Path(leaf(7)); err != nil {
		t.Fatalf("before the sync that brings the revocation: %v", err)
	}
	mustSync(t, m)
	if _, _, err := m.Path(leaf(7)); !errors.Is(err, ErrNotMember) {
		t.Fatalf("revoked member: %v; want ErrNotMember", err)
	}
	checkAt(t, m, l)

	// From disk alone.
	c := s.config()
	s.Close()
	checkAt(t, mustMirror(t, dir, c), l)
}

func TestSyncFetchesOnlyWhatIsMissing(t *testing.T) {
	l := newTestLog(t, registry.SmallCapacityBits)
	l.admit(t, 0, 600)
	s := newTestServer(t, l)
	m := mustMirror(t, t.TempDir(), s.config())
	mustSync(t, m)
	s.forget()

	mustSync(t, m)
	if got := s.forget(); !slices.Equal(got, []string{"/checkpoint"}) {
		t.Fatalf("nothing is new, and the mirror asked for %q", got)
	}
	l.admit(t, 600, 300)
	s.serve(t, l, testTime)
	mustSync(t, m)
	got := entries(s.forget())
	if want := []string{"/tile/entries/002", "/tile/entries/003.p/132"}; !slices.Equal(got, want) {
		t.Fatalf("bundles asked for: %q; want %q, each of them whole", got, want)
	}
}

// entries returns the entry bundles among paths.
func entries(paths []string) []string {
	return slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return !strings.HasPrefix(p, "/tile/entries/") })
}

func TestSyncTakesTheFullTileWhereThePartialOneIsGone(t *testing.T) {
	l := newTestLog(t, registry.SmallCapacityBits)
	l.admit(t, 0, 300)
	s := newTestServer(t, l)
	signed := s.checkpoint
	l.admit(t, 300, 300)
	s.serveNote(l, signed) // the checkpoint lags behind the tiles
	s.intercept = dropPartialTiles
	m := mustMirror(t, t.TempDir(), s.config())
	if _, err := m.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkAt(t, m, l.first(t, 300))
}

func TestPathAt(t *testing.T) {
	l := newTestLog(t, registry.SmallCapacityBits)
	s := newTestServer(t, l)
	m := mustMirror(t, t.TempDir(), s.config())
	type known struct {
		sequence uint64
		root     zkkex.Root
	}
	var history []known
	at := testTime
	step := func() {
		at = at.Add(time.Second)
		s.serve(t, l, at)
		mustSync(t, m)
		history = append(history, known{uint64(len(l.ops)), l.tree.Root()})
	}
	l.admit(t, 0, 20)
	step()
	l.revoke(t, 3)
	l.admit(t, 20, 500)
	step()
	l.apply(t, registry.Operation{Kind: registry.Admit, KeyType: zkkex.KeyBabyJubjub, Index: 3, Leaf: leaf(1000)})
	step()
	l.apply(t, registry.Operation{Kind: registry.Grow})
	l.admit(t, 520, 3)
	step()
	l.revoke(t, 0)
	step()

	present := map[string][]zkkex.Commitment{}
	check := func(i int, n zkkex.Commitment, want error) {
		t.Helper()
		path, c, err := m.PathAt(n, history[i].sequence)
		if !errors.Is(err, want) {
			t.Fatalf("checkpoint %d: %v; want %v", history[i].sequence, err, want)
		}
		if err != nil {
			return
		}
		root, err := path.Root(n)
		if err != nil || root != history[i].root || c.Root != root || c.Sequence != history[i].sequence {
			t.Fatalf("checkpoint %d: path leads to %v (%v); want %v", history[i].sequence, root, err, history[i].root)
		}
		present[n.String()] = append(present[n.String()], n)
	}
	for i := range history {
		check(i, leaf(5), nil)
	}
	check(0, leaf(3), nil)             // revoked since
	check(1, leaf(3), ErrNotMember)    // revoked
	check(0, leaf(1000), ErrNotMember) // its index was another's
	check(1, leaf(1000), ErrNotMember) // its index was empty
	check(2, leaf(1000), nil)          // before the registry grew
	check(2, leaf(521), ErrNotMember)  // not admitted yet
	check(3, leaf(521), nil)           // after it grew
	check(3, leaf(0), nil)             // revoked since
	check(4, leaf(0), ErrNotMember)    // revoked
	check(4, leaf(9999), ErrNotMember) // never there
	check(0, zkkex.Commitment{}, ErrNotMember)

	// A state of which no checkpoint was synced follows from the log.
	if path, c, err := m.PathAt(leaf(5), history[0].sequence+1); err != nil || !c.Time.IsZero() {
		t.Fatalf("after the revocation: %v; want a checkpoint without a time", err)
	} else if root, err := path.Root(leaf(5)); err != nil || root != c.Root || root == history[0].root {
		t.Fatalf("path leads to %v (%v), want %v", root, err, c.Root)
	}
	beyond := history[4].sequence + 1
	_, _, err := m.PathAt(leaf(5), beyond)
	if reject := (*zkkex.RejectError)(nil); !errors.As(err, &reject) || reject.Reason != zkkex.UnknownRoot {
		t.Fatalf("sequence %d, beyond the log: %v; want unknown_root", beyond, err)
	}
}

func TestLargeFromTheBeginning(t *testing.T) {
	l := newTestLog(t, registry.LargeCapacityBits)
	l.admit(t, 0, 10)
	s := newTestServer(t, l)
	dir := t.TempDir()
	mustSync(t, mustMirror(t, dir, s.config()))
	checkAt(t, mustMirror(t, dir, s.config()), l)
}

func TestMinMembers(t *testing.T) {
	l := newTestLog(t, registry.SmallCapacityBits)
	l.admit(t, 0, 9)
	s := newTestServer(t, l)
	c := s.config()
	c.MinMembers = 10
	m := mustMirror(t, t.TempDir(), c)
	mustSync(t, m)
	for _, err := range []error{second(m.Path(leaf(0))), second(m.PathAt(leaf(0), 9))} {
		if reject := (*zkkex.RejectError)(nil); !errors.As(err, &reject) || reject.Reason != zkkex.TooFewMembers {
			t.Fatalf("9 members where 10 are demanded: %v; want too_few_members", err)
		}
	}
	l.admit(t, 9, 1)
	s.serve(t, l, testTime)
	mustSync(t, m)
	checkPath(t, m, leaf(0), l.tree.Root())
	if err := second(m.PathAt(leaf(0), 9)); !errors.Is(err, zkkex.ErrRejected) {
		t.Fatalf("the earlier root has 9 members still: %v; want a rejection", err)
	}
}

func second[A, B any](_ A, _ B, err error) error { return err }

func TestOldCheckpointIsReported(t *testing.T) {
	l := newTestLog(t, registry.SmallCapacityBits)
	s := newTestServer(t, l)
	s.serve(t, l, testTime.Add(-registry.DefaultMaxAge-time.Hour))
	m := mustMirror(t, t.TempDir(), s.config())
	if r := mustSync(t, m); !r.Old || r.Age != registry.DefaultMaxAge+time.Hour {
		t.Fatalf("report %+v; want an old checkpoint", r)
	}
	s.serve(t, l, testTime) // the same state, signed anew
	if r := mustSync(t, m); r.Old || r.Age != 0 || r.Added != 0 {
		t.Fatalf("report %+v; want a fresh checkpoint", r)
	}
	if age, ok := m.Age(); !ok || age != 0 {
		t.Fatalf("age %v, %v; want 0", age, ok)
	}
}

func TestRootsForVerifiers(t *testing.T) {
	l := newTestLog(t, registry.SmallCapacityBits)
	l.admit(t, 0, 3)
	s := newTestServer(t, l)
	m := mustMirror(t, t.TempDir(), s.config())
	policy := m.Roots().Newest(registry.DefaultMaxAge)
	mustSync(t, m)
	old := l.tree.Root()
	if _, err := policy.Accept(3, old, testTime); err != nil {
		t.Fatal(err)
	}
	l.revoke(t, 1)
	s.serve(t, l, testTime)
	mustSync(t, m)
	if _, err := policy.Accept(3, old, testTime); !errors.Is(err, zkkex.ErrRejected) {
		t.Fatalf("superseded root: %v; want a rejection", err)
	}
	if _, err := policy.Accept(4, l.tree.Root(), testTime); err != nil {
		t.Fatal(err)
	}
}
