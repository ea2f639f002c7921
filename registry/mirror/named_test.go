package mirror

import (
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry"
)

// Two who synced at different times know different checkpoints and the same log:
// a root that a venue names is the same for both.
func TestNamedRootsFollowFromTheLog(t *testing.T) {
	l := newTestLog(t, registry.SmallCapacityBits)
	s := newTestServer(t, l)
	often, once := mustMirror(t, t.TempDir(), s.config()), mustMirror(t, t.TempDir(), s.config())
	at := testTime
	type state struct {
		checkpoint registry.Checkpoint
		counts     map[zkkex.KeyType]uint64
	}
	var states []state
	for i := range uint64(6) {
		if i == 3 {
			l.apply(t, registry.Operation{Kind: registry.Grow})
		}
		l.admit(t, 10*i, 10)
		l.revoke(t, 10*i+1)
		at = at.Add(time.Second)
		s.serve(t, l, at)
		mustSync(t, often)
		states = append(states, state{often.Checkpoint().Checkpoint, l.tree.Counts()})
	}
	mustSync(t, once)
	now := at.Add(time.Minute)
	policy := once.Named(time.Hour)
	for _, want := range states {
		got, err := policy.Accept(want.checkpoint.Sequence, want.checkpoint.Root, now)
		if err != nil {
			t.Fatalf("sequence %d: %v", want.checkpoint.Sequence, err)
		}
		if !maps.Equal(got.Members, want.counts) || got.CapacityBits != want.checkpoint.CapacityBits || got.Origin != want.checkpoint.Origin {
			t.Errorf("sequence %d: %+v, expected %+v", want.checkpoint.Sequence, got, want.checkpoint)
		}
		if again, err := policy.Accept(want.checkpoint.Sequence, want.checkpoint.Root, now); err != nil || again != got {
			t.Errorf("sequence %d is computed again: %v", want.checkpoint.Sequence, err)
		}
	}

	refused := func(sequence uint64, root zkkex.Root) {
		t.Helper()
		_, err := policy.Accept(sequence, root, now)
		if reject := (*zkkex.RejectError)(nil); !errors.As(err, &reject) || reject.Reason != zkkex.UnknownRoot {
			t.Errorf("sequence %d: %v, expected %s", sequence, err, zkkex.UnknownRoot)
		}
	}
	refused(states[0].checkpoint.Sequence, states[1].checkpoint.Root)
	refused(states[5].checkpoint.Sequence+1, states[5].checkpoint.Root)
	refused(1<<63, states[5].checkpoint.Root)
	if _, err := policy.Accept(states[0].checkpoint.Sequence, states[0].checkpoint.Root, at.Add(2*time.Hour)); !errors.Is(err, registry.ErrOutdated) {
		t.Errorf("with an old copy: %v, expected %v", err, registry.ErrOutdated)
	}
	if _, err := mustMirror(t, t.TempDir(), s.config()).Named(time.Hour).Accept(1, states[0].checkpoint.Root, now); !errors.Is(err, ErrNotSynced) {
		t.Errorf("before a sync: %v, expected %v", err, ErrNotSynced)
	}
}
