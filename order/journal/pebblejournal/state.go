package pebblejournal

import (
	"errors"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/journal"
)

// state is what is in memory of a database.
type state struct {
	cursor   uint64
	pruned   uint64 // sessions of epochs before it have ended
	halted   bool
	sessions map[order.SessionID]*session
	open     map[order.OrderID]openOrder
	beats    map[string]time.Time
}

type session struct {
	journal.Session
	open int // orders
}

// openOrder is what is known of an open order without reading it.
type openOrder struct {
	session order.SessionID
	name    order.ID
}

// load reads the state.
func (db *database) load() error {
	db.state = state{
		sessions: make(map[order.SessionID]*session),
		open:     make(map[order.OrderID]openOrder),
		beats:    make(map[string]time.Time),
	}
	return errors.Join(db.loadMeta(), db.loadSessions(), db.loadOpen())
}

func (db *database) loadMeta() error {
	cursor, err := db.get(cursorKey)
	if err != nil {
		return err
	}
	if db.cursor, err = parseNumber("the number of the last event", cursor); err != nil {
		return err
	}
	pruned, err := db.get(prunedKey)
	if err != nil {
		return err
	}
	if pruned != nil {
		if db.pruned, err = parseNumber("the first epoch", pruned); err != nil {
			return err
		}
	}
	halted, err := db.get(haltedKey)
	if err != nil {
		return err
	}
	if db.halted = halted != nil; db.halted {
		if _, err := unwrap("a halt", halted, 0); err != nil {
			return err
		}
	}
	return scanAll(db, beatKey(""), func(key, value []byte) error {
		ms, err := parseNumber("a beat", value)
		if err != nil {
			return err
		}
		db.beats[string(key[2:])], err = parseTime("a beat", ms)
		return err
	})
}

func (db *database) loadSessions() error {
	return scanAll(db, []byte{spaceSessions}, func(key, value []byte) error {
		id, err := sessionOf(key)
		if err != nil {
			return err
		}
		if len(key) != sessionSize {
			return damaged("a session's key of %d bytes", len(key))
		}
		s, err := parseSession(id, value)
		if err != nil {
			return err
		}
		db.sessions[id] = &session{Session: *s}
		return nil
	})
}

func (db *database) loadOpen() error {
	return scanAll(db, []byte{spaceOpen}, func(key, value []byte) error {
		id, err := sessionOf(key)
		if err != nil {
			return err
		}
		if _, err := unwrap("a mark of an open order", value, 0); err != nil || len(key) != sessionSize+16 {
			return errors.Join(err, damaged("a mark of an open order with a key of %d bytes", len(key)))
		}
		o := order.OrderID(key[sessionSize:])
		value, err = db.get(orderKey(spaceOrders, id, o))
		if err != nil {
			return err
		}
		found, err := parseOrder(id, o, value)
		if err != nil {
			return err
		}
		s := db.sessions[id]
		if s == nil || !found.Open {
			return damaged("an order that is marked as open is not, or has no session")
		}
		s.open++
		db.open[o] = openOrder{id, found.ClOrdID}
		return nil
	})
}

// overlay is a state in the making, over the one that stands.
type overlay struct {
	db      *database
	changed map[order.SessionID]*session
	orders  map[order.OrderID]*orderChange
	apply   []func() // what else changes
}

// orderChange is what is known of an order: as it is, or as it will be.
type orderChange struct {
	openOrder
	open bool
}

func (db *database) overlay() *overlay {
	return &overlay{db: db, changed: make(map[order.SessionID]*session), orders: make(map[order.OrderID]*orderChange)}
}

// session returns a session to be changed, and makes it if there is none.
func (o *overlay) session(id order.SessionID) *session {
	s := o.changed[id]
	if s == nil {
		s = &session{Session: journal.Session{ID: id, NextSeqNo: 1}}
		if stands := o.db.sessions[id]; stands != nil {
			*s = *stands
		}
		o.changed[id] = s
	}
	return s
}

// order returns what is known of an order if it is open. Of a new one there is
// nothing, and one that was closed is not looked up: if it is recorded again under
// another name, the name that it had then leads to it still, and who reads it there
// sees that it is called otherwise.
func (o *overlay) order(name order.OrderID) *orderChange {
	c := o.orders[name]
	if c == nil {
		c = new(orderChange)
		c.openOrder, c.open = o.db.open[name]
		o.orders[name] = c
	}
	return c
}

// install makes the state what it will be.
func (o *overlay) install() {
	for id, s := range o.changed {
		o.db.sessions[id] = s
	}
	for name, c := range o.orders {
		if c.open {
			o.db.open[name] = c.openOrder
		} else {
			delete(o.db.open, name)
		}
	}
	for _, f := range o.apply {
		f()
	}
}

func (u *update) writeSessions() {
	for id, s := range u.changed {
		u.set(sessionKey(spaceSessions, id), appendSession(&s.Session))
	}
}
