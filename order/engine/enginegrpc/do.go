package enginegrpc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/engine/enginegrpc/enginepb"
)

// call is one caller's commands, at most maxCommands.
type call struct {
	commands []*enginepb.Command
	done     chan error
}

// Do is as in [engine.Engine]. The error of a command that cannot be encoded does not
// wrap engine.ErrUnavailable, and nothing was taken then. After an error that wraps
// engine.ErrForgotten as well, the engine is another, and does nothing for this
// client any more.
func (c *Client) Do(ctx context.Context, commands []engine.Command) error {
	if err := ctx.Err(); err != nil {
		return unavailable(err)
	}
	encoded := make([]*enginepb.Command, len(commands))
	for i := range commands {
		var err error
		if encoded[i], err = encodeCommand(&commands[i]); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(encoded, maxCommands) {
		if err := c.hand(ctx, &call{part, make(chan error, 1)}); err != nil {
			return err
		}
	}
	return nil
}

// hand gives a call to the sender, and waits for its end.
func (c *Client) hand(ctx context.Context, one *call) error {
	select {
	case c.calls <- one:
	case <-ctx.Done():
		return unavailable(ctx.Err())
	case <-c.ctx.Done():
		return unavailable(errClosed)
	}
	select {
	case err := <-one.done:
		return err
	case <-ctx.Done():
		return unavailable(ctx.Err())
	}
}

var errClosed = errors.New("the client is closed")

func unavailable(err error) error { return fmt.Errorf("%w: %w", engine.ErrUnavailable, err) }

// send sends calls, one message at a time: what came while the one before was on its
// way goes into the next.
func (c *Client) send() {
	defer close(c.stopped)
	var next *call // taken, and did not fit
	for {
		if next == nil {
			select {
			case next = <-c.calls:
			case <-c.ctx.Done():
				return
			}
		}
		batch := []*call{next}
		batch, next = c.gather(batch)
		err := c.deliver(batch)
		for _, one := range batch {
			one.done <- err
		}
	}
}

// gather adds the calls that wait, and returns the first that does not fit.
func (c *Client) gather(batch []*call) (full []*call, next *call) {
	n := len(batch[0].commands)
	for {
		select {
		case one := <-c.calls:
			if n += len(one.commands); n > maxCommands {
				return batch, one
			}
			batch = append(batch, one)
		default:
			return batch, nil
		}
	}
}

// deliver gives commands to the engine, again and again while it cannot be reached.
func (c *Client) deliver(batch []*call) error {
	p := &enginepb.Commands{Life: c.life}
	for _, one := range batch {
		p.Commands = append(p.Commands, one.commands...)
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.patience)
	defer cancel()
	for {
		_, err := c.rpc.Do(ctx, p)
		if err == nil {
			return nil
		}
		cause, again := fromStatus(err)
		if !again || !pause(ctx) {
			return cause
		}
	}
}

// pause waits before another try, and reports whether there is to be one.
func pause(ctx context.Context) bool {
	timer := time.NewTimer(retry)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
