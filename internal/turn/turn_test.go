package turn

import (
	"context"
	"errors"
	"sync"
	"testing"
)

func TestOneAtATime(t *testing.T) {
	turn := New()
	var inside, total int // guarded by the turn: the race detector sees a mistake
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			got, err := Do(t.Context(), turn, func() (int, error) {
				inside++
				defer func() { inside-- }()
				total++
				return inside, nil
			})
			if err != nil || got != 1 {
				t.Errorf("%d at a time, %v", got, err)
			}
		})
	}
	wg.Wait()
	if err := turn.Close(func() error { return nil }); err != nil || total != 20 {
		t.Errorf("%d calls, %v; want 20", total, err)
	}
}

func TestDoReturnsWhatUseReturns(t *testing.T) {
	want := errors.New("no")
	got, err := Do(t.Context(), New(), func() (string, error) { return "yes", want })
	if got != "yes" || err != want {
		t.Errorf("%q, %v", got, err)
	}
}

func TestCallerLeavesAndTheCallKeepsTheTurn(t *testing.T) {
	turn := New()
	entered, release, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-entered; cancel() }()
	if _, err := Do(ctx, turn, func() (int, error) { close(entered); <-release; return 1, nil }); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v, want context.Canceled", err)
	}
	waiting, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Do(waiting, turn, func() (int, error) { t.Error("called while the turn was taken"); return 0, nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting: %v, want context.Canceled", err)
	}
	// Closed meanwhile: the end comes after the call that is under way, and nobody waits.
	if err := turn.Close(func() error { close(ended); return errors.New("dropped") }); err != nil {
		t.Errorf("Close: %v", err)
	}
	select {
	case <-ended:
		t.Error("ended while a call was under way")
	default:
	}
	close(release)
	<-ended
	if _, err := Do(t.Context(), turn, func() (int, error) { return 0, nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v, want ErrClosed", err)
	}
}

func TestCloseOnce(t *testing.T) {
	turn, want, calls := New(), errors.New("end"), 0
	end := func() error { calls++; return want }
	if err := turn.Close(end); err != want {
		t.Errorf("%v, want what end returns", err)
	}
	if err := turn.Close(end); err != nil || calls != 1 {
		t.Errorf("second Close: %v after %d calls", err, calls)
	}
}

// Who got a result finds the turn free: Close ends at once.
func TestCloseAfterDo(t *testing.T) {
	for range 100 {
		turn, ended := New(), false
		if _, err := Do(t.Context(), turn, func() (int, error) { return 0, nil }); err != nil {
			t.Fatal(err)
		}
		if err := turn.Close(func() error { ended = true; return nil }); err != nil || !ended {
			t.Fatalf("%v, ended: %v", err, ended)
		}
	}
}
