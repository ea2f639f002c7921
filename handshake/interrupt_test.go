package handshake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/zkkex/zkkex"
)

// A decision that was made stands, though the context ends before it is returned.
// What is only that the connection failed is the context's end.
func TestInterruptedAfterDecision(t *testing.T) {
	stopped := errors.New("stopped")
	refused := zkkex.Reject(NotAdmitted, "an unknown certificate")
	for name, c := range map[string]struct{ err, want error }{
		"refused":           {refused, refused},
		"admitted":          {ErrAdmission, ErrAdmission},
		"done":              {nil, stopped},
		"cut off":           {io.ErrUnexpectedEOF, stopped},
		"closed":            {fmt.Errorf("reading: %w", net.ErrClosed), stopped},
		"gate gave up":      {fmt.Errorf("%w: %w", ErrUnavailable, context.Canceled), stopped},
		"answer not sent":   {errors.Join(refused, &net.OpError{Op: "write", Err: errors.New("reset")}), stopped},
		"nothing came then": {&net.OpError{Op: "read", Err: errors.New("reset")}, stopped},
	} {
		t.Run(name, func(t *testing.T) {
			ours, theirs := net.Pipe()
			defer ours.Close()
			defer theirs.Close()
			ctx, stop := context.WithCancelCause(t.Context())
			err := interruptible(ctx, ours, func() error {
				stop(stopped)
				return c.err
			})
			if !errors.Is(err, c.want) {
				t.Errorf("%v, expected %v", err, c.want)
			}
		})
	}
}

// The end of the context ends what waits for the connection.
func TestInterrupted(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	defer theirs.Close()
	stopped := errors.New("stopped")
	ctx, stop := context.WithCancelCause(t.Context())
	err := interruptible(ctx, ours, func() error {
		stop(stopped)
		_, err := ours.Read(make([]byte, 1))
		return err
	})
	if !errors.Is(err, stopped) {
		t.Errorf("%v, expected the context's cause", err)
	}
}
