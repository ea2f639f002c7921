package pebblejournal

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/journal"
)

// Cursor implements [journal.Store].
func (j *Journal) Cursor(ctx context.Context) (cursor uint64, err error) {
	err = j.view(ctx, func(db *database) error {
		cursor = db.cursor
		return nil
	})
	return cursor, err
}

// LastReport implements [journal.Store].
func (j *Journal) LastReport(ctx context.Context, id order.SessionID) (last uint64, err error) {
	err = j.view(ctx, func(db *database) error {
		last = db.lastReport(id)
		return nil
	})
	return last, err
}

func (db *database) lastReport(id order.SessionID) uint64 {
	if s := db.sessions[id]; s != nil {
		return s.LastReport
	}
	return 0
}

// errEnough ends a scan.
var errEnough = errors.New("enough")

// Reports implements [journal.Store].
func (j *Journal) Reports(ctx context.Context, id order.SessionID, from uint64, limit int) (out []journal.Numbered, err error) {
	if limit < 1 {
		return nil, ctx.Err()
	}
	var last uint64
	next, size := max(from, 1), 0
	err = j.snapshot(ctx, func(db *database) { last = db.lastReport(id) }, func(r pebble.Reader) error {
		if next > last {
			return nil
		}
		err := scan(r, numberKey(spaceReports, id, next), afterSession(spaceReports, id), func(key, value []byte) error {
			report, err := parseReport(key, value, next)
			if err != nil {
				return err
			}
			if size += len(report); size > journal.MaxPage && len(out) > 0 {
				return errEnough
			}
			out = append(out, journal.Numbered{Number: next, Report: append([]byte(nil), report...)})
			if next++; next > last || len(out) == limit {
				return errEnough
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			return nil
		}
		return errors.Join(err, damaged("report %d of %d is missing", next, last))
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// parseReport returns the report of an entry, which must have a number.
func parseReport(key, value []byte, number uint64) ([]byte, error) {
	if len(key) != sessionSize+8 || binary.BigEndian.Uint64(key[sessionSize:]) != number {
		return nil, damaged("report %d is missing", number)
	}
	report, err := unwrap("a report", value, -1)
	if err == nil && (len(report) == 0 || len(report) > journal.MaxReport) {
		err = damaged("a report of %d bytes", len(report))
	}
	return report, err
}

// Requests implements [journal.Store].
func (j *Journal) Requests(ctx context.Context, id order.SessionID, f func(journal.Request) error) error {
	var all []journal.Request
	err := j.snapshot(ctx, func(*database) {}, func(r pebble.Reader) error {
		all = nil
		return scanAll(r, sessionKey(spaceRequests, id), func(key, value []byte) error {
			if len(key) != sessionSize+order.IDSize {
				return damaged("a request's key of %d bytes", len(key))
			}
			request, err := parseRequest(order.ID(key[sessionSize:]), value)
			all = append(all, request)
			return err
		})
	})
	return each(all, f, err)
}

// OpenOrders implements [journal.Store].
func (j *Journal) OpenOrders(ctx context.Context, f func(*engine.Order) error) error {
	var names []order.OrderID
	var open []openOrder
	all := make([]*engine.Order, 0)
	err := j.snapshot(ctx, func(db *database) {
		for name, o := range db.open {
			names, open = append(names, name), append(open, o)
		}
	}, func(r pebble.Reader) error {
		for i, name := range names {
			o, err := readOrder(r, open[i].session, name)
			if err != nil {
				return err
			}
			all = append(all, o)
		}
		return nil
	})
	slices.SortFunc(all, func(a, b *engine.Order) int { return cmp.Compare(a.Place, b.Place) })
	return each(all, f, err)
}

// each calls f with all, unless there was an error.
func each[T any](all []T, f func(T) error, err error) error {
	for i := 0; err == nil && i < len(all); i++ {
		err = f(all[i])
	}
	return err
}

// readOrder returns an order that must be there.
func readOrder(r pebble.Reader, id order.SessionID, name order.OrderID) (*engine.Order, error) {
	value, closer, err := r.Get(orderKey(spaceOrders, id, name))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, damaged("an order is named, and missing")
	}
	if err != nil {
		return nil, explain(err)
	}
	defer closer.Close()
	return parseOrder(id, name, value)
}

// Orders implements [journal.Store].
func (j *Journal) Orders(ctx context.Context, id order.ID) (out []*engine.Order, err error) {
	err = j.snapshot(ctx, func(*database) {}, func(r pebble.Reader) error {
		epochs, err := epochsOfNames(r)
		if err != nil {
			return err
		}
		for _, epoch := range epochs {
			prefix := namePrefix(epoch, id)
			err := scanAll(r, prefix, func(key, value []byte) error {
				if _, err := unwrap("a name", value, 0); err != nil || len(key) != len(prefix)+32 {
					return errors.Join(err, damaged("a name's key of %d bytes", len(key)))
				}
				s := order.SessionID{Epoch: epoch, ID: [16]byte(key[len(prefix):])}
				o, err := readOrder(r, s, order.OrderID(key[len(prefix)+16:]))
				if err == nil && o.ClOrdID == id {
					out = append(out, o)
				}
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// epochsOfNames returns the epochs that orders are of: few.
func epochsOfNames(r pebble.Reader) (epochs []uint64, err error) {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: []byte{spaceNames}, UpperBound: []byte{spaceNames + 1}})
	if err != nil {
		return nil, explain(err)
	}
	defer func() { err = errors.Join(err, explain(it.Close())) }()
	for ok := it.First(); ok; ok = it.SeekGE(successor(it.Key()[:9])) {
		if len(it.Key()) < 9 {
			return nil, damaged("a name's key of %d bytes", len(it.Key()))
		}
		epochs = append(epochs, binary.BigEndian.Uint64(it.Key()[1:]))
	}
	return epochs, explain(it.Error())
}
