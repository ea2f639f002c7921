package handshake

import (
	"context"
	"errors"
	"io"

	"github.com/zkkex/zkkex"
)

// causes are what a log says of a handshake that failed, if an error matches one
// of them.
var causes = []struct {
	err  error
	text string
}{
	{ErrUnavailable, "undecided"},
	{ErrUnknownDescriptor, "unknown descriptor"},
	{ErrCookie, "cookie asked for"},
	{ErrSuite, "suite not offered"},
	{ErrRate, "too many from one address"},
	{ErrHalfOpen, "too many in progress"},
	{ErrReplay, "seen before"},
	{ErrMAC, "wrong outer MAC"},
	{ErrUnauthentic, "not authentic"},
	{ErrPayload, "wrong payload"},
	{ErrLength, "wrong length"},
	{ErrType, "wrong type"},
	{ErrVersion, "unknown version"},
	{ErrTruncated, "cut off"},
	{context.Canceled, "given up"},
	{context.DeadlineExceeded, "not in time"},
	{io.EOF, "peer hung up"},
	{io.ErrUnexpectedEOF, "peer hung up"},
}

// cause says why a handshake failed, for the log, in words of ours alone: the
// error itself can hold addresses, digests of certificates and what a peer said.
func cause(err error) string {
	if reject, ok := errors.AsType[*zkkex.RejectError](err); ok {
		return string(reject.Reason)
	}
	for _, c := range causes {
		if errors.Is(err, c.err) {
			return c.text
		}
	}
	return "connection or channel failed"
}

// logFailure writes down that a handshake failed, with the error itself only where
// it is about our own trouble.
func (c *ServerConfig) logFailure(err error) {
	args := []any{"cause", cause(err)}
	if errors.Is(err, ErrUnavailable) {
		args = append(args, "error", err)
	}
	c.Log.Debug("handshake failed", args...)
}
