package tunnel

import (
	"net"
	"sync/atomic"
)

// side is one of the two connections that are joined.
type side struct {
	net.Conn
	// ended is set before our direction is, when all writes have succeeded.
	ended atomic.Bool
}

// end tells the peer that nothing more will come.
func (s *side) end() error {
	s.ended.Store(true)
	return closeWrite(s.Conn)
}

// trueEnd reports whether an end of file that was just read is one.
//
// Systems tell of a reset once. If it comes while one goroutine writes and
// another reads, the write fails, and the read may get an end of file, before the
// writer could say anything. So the connection is asked whether it can still be
// written to: after a reset it cannot, after the peer's end it can. If our own
// direction has ended, no write can have taken the error.
func (s *side) trueEnd() bool {
	return s.ended.Load() || !isBroken(s.Conn) || s.ended.Load()
}
