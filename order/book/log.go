package book

import (
	"context"
	"fmt"
	"slices"

	"github.com/zkkex/zkkex/order/engine"
)

// replay is the number of events after which a replay goes on with another call.
const replay = 1024

// eventLog keeps the latest events, and knows who takes them.
type eventLog struct {
	next uint64 // the number of the next event
	keep int
	kept []engine.Event // consecutive, the last one numbered next-1
	live map[*taker]struct{}
}

// taker is one call of [Book.Events] that is up to date.
type taker struct {
	take func([]engine.Event) error
	end  chan error // takes what ends it
}

func newEventLog(keep int) eventLog {
	return eventLog{next: 1, keep: keep, live: make(map[*taker]struct{})}
}

// add appends events, and hands them to those who listen.
func (l *eventLog) add(batch []engine.Event) {
	if len(batch) == 0 {
		return
	}
	l.next += uint64(len(batch))
	l.trim(len(batch))
	l.kept = append(l.kept, batch...)
	for t := range l.live {
		if err := t.take(batch); err != nil {
			delete(l.live, t)
			t.end <- err
		}
	}
}

// trim makes room for more events. It moves what is kept only when that is twice
// what it need be.
func (l *eventLog) trim(more int) {
	if len(l.kept)+more <= 2*l.keep || len(l.kept) <= l.keep {
		return
	}
	stay := copy(l.kept, l.kept[len(l.kept)-l.keep:])
	clear(l.kept[stay:])
	l.kept = l.kept[:stay]
}

// after returns the events from number after+1 on, whole commands, about as many as
// a replay has at once.
func (l *eventLog) after(after uint64) ([]engine.Event, error) {
	first := l.next - uint64(len(l.kept))
	if after >= l.next {
		return nil, fmt.Errorf("%w: it has done %d, and was asked for those after %d; it was started anew since",
			engine.ErrForgotten, l.next-1, after)
	}
	if after+1 < first {
		return nil, fmt.Errorf("%w: it was asked for those after %d, and keeps those from %d on",
			engine.ErrForgotten, after, first)
	}
	kept := l.kept[after+1-first:]
	n := min(replay, len(kept))
	for n < len(kept) && kept[n].Command == kept[n-1].Command {
		n++
	}
	return slices.Clone(kept[:n]), nil
}

// Events is as in [engine.Engine]. Once it has caught up, take is called by whoever
// calls [Book.Do], before that returns: take must not call the book. The events of
// a command are never divided between two calls.
func (b *Book) Events(ctx context.Context, after uint64, take func([]engine.Event) error) error {
	for {
		t, events, err := b.listen(after, take)
		if err != nil {
			return err
		}
		if t != nil {
			return b.await(ctx, t)
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%w: %w", engine.ErrUnavailable, err)
		}
		if err := take(events); err != nil {
			return err
		}
		after = events[len(events)-1].Number
	}
}

// listen returns events that are missing, or else a taker that gets all later ones.
func (b *Book) listen(after uint64, take func([]engine.Event) error) (*taker, []engine.Event, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	events, err := b.log.after(after)
	if err != nil || len(events) > 0 {
		return nil, events, err
	}
	t := &taker{take: take, end: make(chan error, 1)}
	b.log.live[t] = struct{}{}
	return t, nil, nil
}

// await returns when the taker is done, and is called no more.
func (b *Book) await(ctx context.Context, t *taker) error {
	select {
	case err := <-t.end:
		return err
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.log.live, t)
	select {
	case err := <-t.end:
		return err
	default:
		return fmt.Errorf("%w: %w", engine.ErrUnavailable, ctx.Err())
	}
}
