package venue

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"
)

// Run issues what is due and ends with its context, while everything else is used.
func TestRun(t *testing.T) {
	s := newScene(t)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.venue.Run(ctx) }()
	for s.venue.Status().Published == 0 {
		time.Sleep(time.Millisecond)
	}
	if _, err := s.venue.Keys(1); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v, expected %v", err, context.Canceled)
	}
	if problems := s.venue.Status().Problems; len(problems) != 0 {
		t.Errorf("problems %+v", problems)
	}
}

// A status has every field, also while there is nothing to say.
func TestStatus(t *testing.T) {
	s := newScene(t)
	fields := func() map[string]any {
		text, err := json.Marshal(s.venue.Status())
		s.must(err)
		var out map[string]any
		s.must(json.Unmarshal(text, &out))
		return out
	}
	empty := fields()
	for _, name := range []string{"name", "id", "identity", "fingerprint", "follows", "registry", "current", "next", "published", "epochs", "admissions", "problems"} {
		if _, ok := empty[name]; !ok {
			t.Errorf("no field %s", name)
		}
	}
	if empty["current"] != nil || empty["admissions"] != nil {
		t.Errorf("before the first descriptor: %v", empty)
	}
	first := s.turn()
	s.clock.add(55 * time.Minute)
	second := s.turn()
	status := s.venue.Status()
	if status.Current == nil || status.Current.Number != first.Number || status.Next == nil || status.Next.Number != second.Number || status.Published != 2 {
		t.Errorf("current %+v, next %+v, %d published", status.Current, status.Next, status.Published)
	}
	if len(status.Epochs) != 2 || status.Epochs[0].Members["babyjubjub"] != 3 || status.Epochs[0].Sequence != 3 || !status.Epochs[0].Ends.Equal(status.Epochs[1].Begins) {
		t.Errorf("epochs %+v", status.Epochs)
	}
	if *status.Registry.Sequence != 3 || status.Registry.Name != "registry.example/members" {
		t.Errorf("registry %+v", status.Registry)
	}
}
