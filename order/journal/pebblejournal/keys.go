package pebblejournal

import (
	"encoding/binary"

	"github.com/zkkex/zkkex/order"
)

// Spaces of keys; docs/spec/journal.md has them. In each but the first, the epoch
// comes first, so that what is pruned is one range.
const (
	spaceMeta     byte = 0
	spaceSessions byte = 1  // session: its state
	spaceAliases  byte = 2  // session: another
	spaceBans     byte = 3  // session: nothing
	spaceReports  byte = 4  // session, number: the report
	spaceRequests byte = 5  // session, ID: digest, number
	spaceOrders   byte = 6  // session, OrderID: the order
	spaceOpen     byte = 7  // session, OrderID: nothing, while it is open
	spaceNames    byte = 8  // epoch, ID, session's ID, OrderID: nothing
	spaceFIX      byte = 9  // session: numbers
	spaceMessages byte = 10 // session, number: the message
)

// spacesOfSessions are those whose keys begin with a session and go with it.
var spacesOfSessions = []byte{spaceSessions, spaceReports, spaceRequests, spaceOrders, spaceOpen, spaceFIX, spaceMessages}

// Kinds of entries in spaceMeta.
const (
	metaCursor byte = 1 // number of the last event
	metaPruned byte = 2 // the first epoch that was not pruned
	metaHalted byte = 3 // nothing, while halted
	metaBeats  byte = 4 // gateway's name: time of the last beat
)

var (
	cursorKey = []byte{spaceMeta, metaCursor}
	prunedKey = []byte{spaceMeta, metaPruned}
	haltedKey = []byte{spaceMeta, metaHalted}
)

// sessionSize is the length of what a session's keys begin with, in bytes.
const sessionSize = 1 + 24

func beatKey(gateway string) []byte { return append([]byte{spaceMeta, metaBeats}, gateway...) }

func epochKey(space byte, epoch uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{space}, epoch)
}

func sessionKey(space byte, id order.SessionID) []byte {
	b := make([]byte, 0, sessionSize+16)
	b = binary.BigEndian.AppendUint64(append(b, space), id.Epoch)
	return append(b, id.ID[:]...)
}

// afterSession is what is after all keys of a session, and before all others that
// are after it.
func afterSession(space byte, id order.SessionID) []byte { return successor(sessionKey(space, id)) }

// successor returns the first key that begins with none of prefix, and is after
// those that do.
func successor(prefix []byte) []byte {
	out := append([]byte(nil), prefix...)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i]++; out[i] != 0 {
			return out[:i+1]
		}
	}
	return []byte{0xff} // after all spaces
}

func numberKey(space byte, id order.SessionID, number uint64) []byte {
	return binary.BigEndian.AppendUint64(sessionKey(space, id), number)
}

func requestKey(id order.SessionID, request order.ID) []byte {
	return append(sessionKey(spaceRequests, id), request[:]...)
}

func orderKey(space byte, id order.SessionID, o order.OrderID) []byte {
	return append(sessionKey(space, id), o[:]...)
}

// namePrefix is what the keys of all orders that are called id in an epoch begin
// with.
func namePrefix(epoch uint64, id order.ID) []byte {
	return append(epochKey(spaceNames, epoch), id[:]...)
}

func nameKey(s order.SessionID, id order.ID, o order.OrderID) []byte {
	return append(append(namePrefix(s.Epoch, id), s.ID[:]...), o[:]...)
}

// sessionOf returns the session that a key begins with.
func sessionOf(key []byte) (order.SessionID, error) {
	if len(key) < sessionSize {
		return order.SessionID{}, damaged("a key of %d bytes", len(key))
	}
	return order.SessionIDOf([24]byte(key[1:sessionSize])), nil
}
