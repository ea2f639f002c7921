package pebblejournal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/journal"
)

// Attach implements [journal.Store]. A gateway's name has at most 255 bytes.
func (j *Journal) Attach(ctx context.Context, id order.SessionID, gateway string, grace time.Duration, keep bool) (*journal.Session, error) {
	if len(gateway) > maxGateway || grace < 0 {
		return nil, fmt.Errorf("%w: a gateway's name of %d bytes or a grace of %v", journal.ErrEntry, len(gateway), grace)
	}
	var attached journal.Session
	err := j.update(ctx, func(db *database, u *update) error {
		if err := db.checkEnded(id); err != nil {
			return err
		}
		banned, err := db.get(sessionKey(spaceBans, id))
		if err != nil {
			return err
		}
		if banned != nil {
			return journal.ErrBanned
		}
		s := u.session(id)
		s.Attachment++
		s.Gateway, s.Detached = gateway, time.Time{}
		s.Grace, s.KeepOrders = grace.Truncate(time.Millisecond), keep
		attached = s.Session
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &attached, nil
}

func (db *database) checkEnded(id order.SessionID) error {
	if id.Epoch < db.pruned {
		return fmt.Errorf("%w: epoch %d", journal.ErrEnded, id.Epoch)
	}
	return nil
}

// Detach implements [journal.Store].
func (j *Journal) Detach(ctx context.Context, id order.SessionID, attachment uint64, at time.Time) error {
	return j.update(ctx, func(db *database, u *update) error {
		s := db.sessions[id]
		if s == nil {
			if err := db.checkEnded(id); err != nil {
				return err
			}
		}
		if s == nil || s.Attachment != attachment {
			return journal.ErrTakenOver
		}
		if s.Detached.IsZero() {
			u.session(id).Detached = whole(at)
		}
		return nil
	})
}

// whole cuts a time to milliseconds.
func whole(t time.Time) time.Time { return time.UnixMilli(max(t.UnixMilli(), 1)).UTC() }

// Alias implements [journal.Store].
func (j *Journal) Alias(ctx context.Context, alias, session order.SessionID) error {
	return j.update(ctx, func(db *database, u *update) error {
		to, err := db.resolve(session)
		if err != nil {
			return err
		}
		if to == alias {
			u.delete(sessionKey(spaceAliases, alias))
			return nil
		}
		b := to.Bytes()
		u.set(sessionKey(spaceAliases, alias), wrap(b[:]...))
		return nil
	})
}

// Resolve implements [journal.Store].
func (j *Journal) Resolve(ctx context.Context, alias order.SessionID) (session order.SessionID, err error) {
	err = j.view(ctx, func(db *database) error {
		session, err = db.resolve(alias)
		return err
	})
	return session, err
}

func (db *database) resolve(alias order.SessionID) (order.SessionID, error) {
	value, err := db.get(sessionKey(spaceAliases, alias))
	if err != nil || value == nil {
		return alias, err
	}
	b, err := unwrap("an alias", value, 24)
	if err != nil {
		return alias, err
	}
	session := order.SessionIDOf([24]byte(b))
	if session.Epoch < db.pruned {
		return alias, nil
	}
	return session, nil
}

// Beat implements [journal.Store]. Its clock is the caller's.
func (j *Journal) Beat(ctx context.Context, gateway string, now time.Time) error {
	return j.update(ctx, func(db *database, u *update) error {
		u.set(beatKey(gateway), appendNumber(millis(now)))
		u.apply = append(u.apply, func() { db.beats[gateway] = whole(now) })
		return nil
	})
}

// Orphans implements [journal.Store]. Its clock is the caller's.
func (j *Journal) Orphans(ctx context.Context, now time.Time, older time.Duration) (out []journal.Session, err error) {
	err = j.update(ctx, func(db *database, u *update) error {
		for id, s := range db.sessions {
			last, beat := db.beats[s.Gateway]
			if s.Detached.IsZero() && (!beat || now.Sub(last) > older) {
				s = u.session(id)
				s.Detached = whole(now)
			}
			if !s.Detached.IsZero() && s.open > 0 {
				out = append(out, s.Session)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Ban implements [journal.Store].
func (j *Journal) Ban(ctx context.Context, id order.SessionID) error {
	return j.update(ctx, func(db *database, u *update) error {
		if db.checkEnded(id) == nil {
			u.set(sessionKey(spaceBans, id), wrap())
		}
		return nil
	})
}

// Bans implements [journal.Store].
func (j *Journal) Bans(ctx context.Context) (out []order.SessionID, err error) {
	err = j.snapshot(ctx, func(*database) {}, func(r pebble.Reader) error {
		return scanAll(r, []byte{spaceBans}, func(key, value []byte) error {
			if _, err := unwrap("a ban", value, 0); err != nil || len(key) != sessionSize {
				return errors.Join(err, damaged("a ban's key of %d bytes", len(key)))
			}
			out = append(out, order.SessionIDOf([24]byte(key[1:])))
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Halt implements [journal.Store].
func (j *Journal) Halt(ctx context.Context, halted bool) error {
	return j.update(ctx, func(db *database, u *update) error {
		if halted {
			u.set(haltedKey, wrap())
		} else {
			u.delete(haltedKey)
		}
		u.apply = append(u.apply, func() { db.halted = halted })
		return nil
	})
}

// Halted implements [journal.Store].
func (j *Journal) Halted(ctx context.Context) (halted bool, err error) {
	err = j.view(ctx, func(db *database) error {
		halted = db.halted
		return nil
	})
	return halted, err
}
