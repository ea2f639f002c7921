package postgres

import (
	"context"
	"errors"
	"sync"
)

// Group does together what many ask for at once: everything that came while the
// group before was under way is the next one.
type Group[T any] struct {
	// Most is the most that are done together.
	Most int
	// Each does them. Its error is everyone's; what is of one only, T holds.
	Each func(ctx context.Context, together []T) error

	mu      sync.Mutex
	waiting []member[T]
	running bool
	closed  bool
	idle    sync.WaitGroup
}

type member[T any] struct {
	what T
	done chan error
}

// ErrNotOpen reports the use of a store after Close.
var ErrNotOpen = errors.New("the store is not open")

// Do returns when what was done, alone or with others, or when ctx is done: it may
// be done all the same.
func (g *Group[T]) Do(ctx context.Context, what T) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m := member[T]{what, make(chan error, 1)}
	if err := g.enter(m); err != nil {
		return err
	}
	select {
	case err := <-m.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *Group[T]) enter(m member[T]) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return ErrNotOpen
	}
	g.waiting = append(g.waiting, m)
	if !g.running {
		g.running = true
		g.idle.Go(g.run)
	}
	return nil
}

// run does group after group until nobody waits.
func (g *Group[T]) run() {
	for {
		members := g.next()
		if members == nil {
			return
		}
		together := make([]T, len(members))
		for i, m := range members {
			together[i] = m.what
		}
		err := g.Each(context.Background(), together)
		for _, m := range members {
			m.done <- err
		}
	}
}

func (g *Group[T]) next() []member[T] {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		g.running = false
		return nil
	}
	n := min(len(g.waiting), g.Most)
	members := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	return members
}

// Close refuses more, and waits for what is under way.
func (g *Group[T]) Close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.idle.Wait()
}
