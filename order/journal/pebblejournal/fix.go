package pebblejournal

import (
	"context"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/journal"
)

// fix is the store of a FIX session.
type fix struct {
	j  *Journal
	id order.SessionID
}

var _ journal.FIX = (*fix)(nil)

// FIX implements [journal.Store].
func (j *Journal) FIX(ctx context.Context, id order.SessionID) (journal.FIX, error) {
	f := &fix{j, id}
	if err := f.change(ctx, func(*update, *fixNumbers) {}); err != nil {
		return nil, err
	}
	return f, nil
}

// change calls g with the numbers, which are written if they differ then, with
// what else g writes.
func (f *fix) change(ctx context.Context, g func(*update, *fixNumbers)) error {
	return f.j.update(ctx, func(db *database, u *update) error {
		if err := db.checkEnded(f.id); err != nil {
			return err
		}
		key := sessionKey(spaceFIX, f.id)
		value, err := db.get(key)
		if err != nil {
			return err
		}
		before := fixNumbers{}
		after := fixNumbers{send: 1, receive: 1, created: whole(time.Now())}
		if value != nil {
			if before, err = parseFIX(value); err != nil {
				return err
			}
			after = before
		}
		if g(u, &after); after != before {
			u.set(key, after.encode())
			u.session(f.id) // it has the life of its session
		}
		return nil
	})
}

// Numbers implements [journal.FIX].
func (f *fix) Numbers(ctx context.Context) (send, receive uint64, created time.Time, err error) {
	err = f.change(ctx, func(_ *update, n *fixNumbers) { send, receive, created = n.send, n.receive, n.created })
	return send, receive, created, err
}

// SetReceive implements [journal.FIX].
func (f *fix) SetReceive(ctx context.Context, receive uint64) error {
	return f.change(ctx, func(_ *update, n *fixNumbers) { n.receive = receive })
}

// SetSend implements [journal.FIX].
func (f *fix) SetSend(ctx context.Context, send uint64) error {
	return f.change(ctx, func(_ *update, n *fixNumbers) { n.send = send })
}

// Save implements [journal.FIX].
func (f *fix) Save(ctx context.Context, number uint64, message []byte, next uint64) error {
	return f.change(ctx, func(u *update, n *fixNumbers) {
		u.set(numberKey(spaceMessages, f.id, number), wrap(message...))
		if next > 0 {
			n.send = next
		}
	})
}

// Messages implements [journal.FIX].
func (f *fix) Messages(ctx context.Context, first, last uint64) (out [][]byte, err error) {
	var ended error
	err = f.j.snapshot(ctx, func(db *database) { ended = db.checkEnded(f.id) }, func(r pebble.Reader) error {
		if ended != nil || first > last {
			return ended
		}
		end := successor(numberKey(spaceMessages, f.id, last))
		return scan(r, numberKey(spaceMessages, f.id, first), end, func(_, value []byte) error {
			message, err := unwrap("a FIX message", value, -1)
			out = append(out, append([]byte(nil), message...))
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Reset implements [journal.FIX].
func (f *fix) Reset(ctx context.Context, now time.Time) error {
	return f.change(ctx, func(u *update, n *fixNumbers) {
		prefix := sessionKey(spaceMessages, f.id)
		u.deleteRange(prefix, successor(prefix))
		*n = fixNumbers{send: 1, receive: 1, created: whole(now)}
	})
}
