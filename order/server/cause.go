package server

import (
	"errors"
	"fmt"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/order/gateway"
	"github.com/zkkex/zkkex/order/journal"
)

// causes are why channels end, for the log.
var causes = []struct {
	err  error
	text string
}{
	{errNotServed, errNotServed.Error()},
	{zkkex.ErrMalformed, "malformed"},
	{zkkex.ErrUnsupported, "another version"},
	{journal.ErrUnavailable, "the journal cannot be reached"},
	{journal.ErrBanned, "banned"},
	{journal.ErrEnded, "its epoch is over"},
	{gateway.ErrDraining, "draining"},
	{gateway.ErrFull, "full"},
}

// cause says why a channel ended in words of ours alone: the error itself can hold
// the member's address, and what it said.
func cause(err error) string {
	if end, ok := errors.AsType[*gateway.EndError](err); ok {
		return fmt.Sprintf("ended with code %d", end.Code)
	}
	for _, c := range causes {
		if errors.Is(err, c.err) {
			return c.text
		}
	}
	return "connection lost"
}
