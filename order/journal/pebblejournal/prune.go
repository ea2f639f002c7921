package pebblejournal

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/zkkex/zkkex/order"
)

// oldBeat is how long a gateway that is gone is remembered.
const oldBeat = 24 * time.Hour

// Prune implements [journal.Store]: a range for each space and between sessions
// that are kept. It needs no room on the disk.
func (j *Journal) Prune(ctx context.Context, epoch uint64) error {
	return j.with(ctx, func(db *database) error {
		return db.update(ctx, func(u *update) error { return db.prune(u, max(epoch, db.pruned)) })
	})
}

func (db *database) prune(u *update, pruned uint64) error {
	var gone, kept []order.SessionID
	for id, s := range db.sessions {
		switch {
		case id.Epoch >= pruned:
		case s.open > 0:
			kept = append(kept, id)
		default:
			gone = append(gone, id)
		}
	}
	if len(gone) == 0 && pruned == db.pruned {
		return nil
	}
	slices.SortFunc(kept, compare)
	for _, space := range spacesOfSessions {
		u.deleteBetween(space, pruned, kept)
	}
	for _, space := range []byte{spaceAliases, spaceBans, spaceNames} {
		u.deleteBetween(space, pruned, nil)
	}
	for _, id := range kept {
		if err := db.nameAgain(u, id); err != nil {
			return err
		}
	}
	u.set(prunedKey, appendNumber(pruned))
	db.forgetBeats(u)
	u.apply = append(u.apply, func() {
		db.pruned = pruned
		for _, id := range gone {
			delete(db.sessions, id)
		}
	})
	return nil
}

func compare(a, b order.SessionID) int {
	x, y := a.Bytes(), b.Bytes()
	return bytes.Compare(x[:], y[:])
}

// deleteBetween removes what is of epochs before one, but for sessions that are
// kept.
func (u *update) deleteBetween(space byte, pruned uint64, kept []order.SessionID) {
	first := epochKey(space, 0)
	for _, id := range kept {
		u.deleteRange(first, sessionKey(space, id))
		first = afterSession(space, id)
	}
	u.deleteRange(first, epochKey(space, pruned))
}

// nameAgain puts back the names of a session's orders, which went with those of
// others.
func (db *database) nameAgain(u *update, id order.SessionID) error {
	return scanAll(db, sessionKey(spaceOrders, id), func(key, value []byte) error {
		if len(key) != sessionSize+16 {
			return damaged("an order's key of %d bytes", len(key))
		}
		o, err := parseOrder(id, order.OrderID(key[sessionSize:]), value)
		if err != nil {
			return err
		}
		u.set(nameKey(id, o.ClOrdID, o.ID), wrap())
		return nil
	})
}

// forgetBeats forgets gateways that are long gone.
func (db *database) forgetBeats(u *update) {
	var newest time.Time
	for _, beat := range db.beats {
		if beat.After(newest) {
			newest = beat
		}
	}
	for gateway, beat := range db.beats {
		if newest.Sub(beat) > oldBeat {
			u.delete(beatKey(gateway))
			u.apply = append(u.apply, func() { delete(db.beats, gateway) })
		}
	}
}
