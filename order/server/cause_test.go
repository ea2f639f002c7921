package server

import (
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/gateway"
	"github.com/zkkex/zkkex/order/journal"
)

// The log says why a channel ended, and repeats neither addresses nor what came on it.
func TestCause(t *testing.T) {
	secret := errors.New("554=a password")
	from := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 50312}
	for want, err := range map[string]error{
		"connection lost":                    fmt.Errorf("channel: %w", &net.OpError{Op: "read", Net: "tcp", Addr: from, Err: secret}),
		"ended with code 8":                  &gateway.EndError{Code: order.RejectSlow, Text: secret.Error()},
		"malformed":                          &zkkex.ParseError{Format: "FIX message", Err: secret},
		"banned":                             fmt.Errorf("%w: %w", journal.ErrBanned, secret),
		"a protocol that is not served here": errNotServed,
	} {
		if got := cause(err); got != want {
			t.Errorf("%v: %q, expected %q", err, got, want)
		}
	}
}
