package threshold

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/zkkex/zkkex/internal/filelock"
)

// errCrash ends a participant without a last word.
var errCrash = errors.New("crash")

// crashing is a board that stops working for a participant after so many steps.
type crashing struct {
	Board
	mu   sync.Mutex
	left int
}

func (b *crashing) step() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left--; b.left < 0 {
		return errCrash
	}
	return nil
}

func (b *crashing) Post(ctx context.Context, topic string, message []byte) error {
	if err := b.step(); err != nil {
		return err
	}
	return b.Board.Post(ctx, topic, message)
}

func (b *crashing) Follow(topic string) Follower {
	return &crashingFollower{Follower: b.Board.Follow(topic), board: b}
}

type crashingFollower struct {
	Follower
	board *crashing
}

func (f *crashingFollower) Next(ctx context.Context, wait bool) ([]byte, error) {
	if err := f.board.step(); err != nil {
		return nil, err
	}
	return f.Follower.Next(ctx, wait)
}

// A participant that crashes, at whatever step, begins again, and the others go on
// with it; all end with one group.
func TestGenerateThroughCrashes(t *testing.T) {
	crashed := 0
	for steps := 0; ; steps++ {
		c := newClub(t, 2, 2, 1)
		board, err := NewFolder(c.via)
		if err != nil {
			t.Fatal(err)
		}
		var once bool
		for i, err := range c.all(func(d *Dir) error {
			if d.self != 2 {
				_, err := d.Generate(t.Context(), quiet)
				return err
			}
			d.Board = &crashing{Board: board, left: steps}
			_, err := d.Generate(t.Context(), quiet)
			if errors.Is(err, errCrash) {
				once, d.Board = true, nil
				_, err = d.Generate(t.Context(), quiet)
			}
			return err
		}) {
			if err != nil {
				t.Fatalf("after %d steps: member %d: %v", steps, i, err)
			}
		}
		want := mustStatus(t, c.open(0)).Group.Digest()
		for i := range c.dirs {
			if s := mustStatus(t, c.open(i)); s.Group.Digest() != want || s.Pending {
				t.Fatalf("after %d steps: member %d has another group, or one that is pending", steps, i)
			}
		}
		if !once {
			break // it has ended before it could crash
		}
		crashed++
	}
	if crashed < 6 {
		t.Errorf("crashed at %d steps only", crashed)
	}
	t.Logf("crashed at each of %d steps", crashed)
}

// The same for a refresh, in which a share that is lost would lose the key.
func TestRefreshThroughCrashes(t *testing.T) {
	c := newClub(t, 2, 2, 0).generate()
	board, err := NewFolder(c.via)
	if err != nil {
		t.Fatal(err)
	}
	key := mustStatus(t, c.open(0)).Group.Key()
	crashed := true
	generation := 1
	for steps := 0; crashed; steps++ {
		crashed = false
		for i, err := range c.all(func(d *Dir) error {
			if d.self != 2 {
				_, err := d.Refresh(t.Context(), quiet)
				return err
			}
			d.Board = &crashing{Board: board, left: steps}
			_, err := d.Refresh(t.Context(), quiet)
			if errors.Is(err, errCrash) {
				crashed, d.Board = true, nil
				_, err = d.Refresh(t.Context(), quiet)
			}
			return err
		}) {
			if err != nil {
				t.Fatalf("after %d steps: member %d: %v", steps, i, err)
			}
		}
		generation++
		for i := range c.dirs {
			if g := mustStatus(t, c.open(i)).Group; g.Key() != key || g.Generation != generation {
				t.Fatalf("after %d steps: member %d has generation %d, want %d", steps, i, g.Generation, generation)
			}
		}
	}
	if generation < 8 {
		t.Errorf("crashed at %d steps only", generation-2)
	}
	c.serve(yes, 1)
	c.mustSign(0, certificate(1))
}

// One that is stopped tells the others, who go on with the next attempt.
func TestGenerateIsStopped(t *testing.T) {
	c := newClub(t, 2, 2, 0)
	var told []string
	var mu sync.Mutex
	for i, err := range c.all(func(d *Dir) error {
		if d.self == 1 {
			_, err := d.Generate(t.Context(), func(text string) { mu.Lock(); told = append(told, text); mu.Unlock() })
			return err
		}
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := d.Generate(ctx, func(string) { cancel() }); !errors.Is(err, context.Canceled) {
			return fmt.Errorf("stopped: %w", err)
		}
		_, err := d.Generate(t.Context(), quiet)
		return err
	}) {
		if err != nil {
			t.Fatalf("member %d: %v", i, err)
		}
	}
	if g := mustStatus(t, c.open(0)).Group; g.Attempt != 2 {
		t.Errorf("attempt %d", g.Attempt)
	}
	mu.Lock()
	defer mu.Unlock()
	if text := strings.Join(told, "\n"); !strings.Contains(text, "bob (participant 2): was stopped") {
		t.Errorf("told: %s", text)
	}
}

func TestGenerateTwice(t *testing.T) {
	c := newClub(t, 2, 2, 1).generate()
	for i := range c.dirs {
		if _, err := c.open(i).Generate(t.Context(), quiet); !errors.Is(err, ErrExists) {
			t.Errorf("member %d: %v", i, err)
		}
	}
	lock, err := filelock.Acquire(filepath.Join(c.dirs[0], lockFile))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	if _, err := c.open(0).Refresh(t.Context(), quiet); !errors.Is(err, filelock.ErrLocked) {
		t.Errorf("two at once: %v", err)
	}
}

// A share that was lost after it was confirmed is told, and not made anew: the others
// may have finished.
func TestLostPendingIsTold(t *testing.T) {
	c := newClub(t, 2, 2, 0).generate()
	if err := os.Remove(filepath.Join(c.dirs[1], shareFile)); err != nil {
		t.Fatal(err)
	}
	_, err := c.open(1).Generate(t.Context(), quiet)
	if err == nil || !strings.Contains(err.Error(), "does not hold the share of participant 2") {
		t.Errorf("got %v", err)
	}
}

func TestNeedsGroup(t *testing.T) {
	c := newClub(t, 2, 2, 1)
	if _, err := c.open(0).Refresh(t.Context(), quiet); !errors.Is(err, ErrNoGroup) {
		t.Errorf("refresh: %v", err)
	}
	if _, err := c.open(0).Sign(t.Context(), certificate(1), quiet); !errors.Is(err, ErrNoGroup) {
		t.Errorf("sign: %v", err)
	}
	if err := c.open(0).Serve(t.Context(), yes, quiet); !errors.Is(err, ErrNoGroup) {
		t.Errorf("serve: %v", err)
	}
	if err := c.open(2).Serve(t.Context(), yes, quiet); !errors.Is(err, ErrNoShare) {
		t.Errorf("a requester serves: %v", err)
	}
}
