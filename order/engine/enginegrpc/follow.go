package enginegrpc

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc"

	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/engine/enginegrpc/enginepb"
)

// Events is as in [engine.Engine]. A stream that breaks is taken up again, until the
// engine was out of reach for as long as [Config.Patience] says. An error wraps
// zkkex.ErrMalformed if the engine says what cannot be.
func (c *Client) Events(ctx context.Context, after uint64, take func([]engine.Event) error) error {
	if err := ctx.Err(); err != nil {
		return unavailable(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	f := follower{client: c, after: after, take: take}
	for {
		f.connected = false
		err, again := f.follow(ctx)
		if ctx.Err() != nil && again {
			return unavailable(ctx.Err())
		}
		if !again || !f.connected && !f.waited() {
			return err
		}
		if f.connected {
			f.since = time.Time{}
		}
		if !pause(ctx) {
			return unavailable(ctx.Err())
		}
	}
}

// follower is one call of Events.
type follower struct {
	client    *Client
	after     uint64
	take      func([]engine.Event) error
	connected bool      // the last try was
	since     time.Time // of the first try in a row that was not
}

// waited reports whether there is patience left.
func (f *follower) waited() bool {
	if f.since.IsZero() {
		f.since = time.Now()
	}
	return time.Since(f.since) < f.client.patience
}

// follow takes one stream until it ends, and reports whether it may be taken up again.
func (f *follower) follow(ctx context.Context) (err error, again bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	timer := time.AfterFunc(f.client.patience, cancel)
	stream, err := f.open(ctx)
	if err != nil {
		return fromStatus(err)
	}
	timer.Stop()
	f.connected = true
	for {
		p, err := stream.Recv()
		if err != nil {
			return fromStream(err)
		}
		events, err := f.decode(p)
		if err != nil {
			return err, false
		}
		if err := f.take(events); err != nil {
			return err, false
		}
		f.after = events[len(events)-1].Number
	}
}

// open waits until the engine has begun a stream.
func (f *follower) open(ctx context.Context) (grpc.ServerStreamingClient[enginepb.Events], error) {
	stream, err := f.client.rpc.Follow(ctx, &enginepb.FollowRequest{Life: f.client.life, After: f.after})
	if err != nil {
		return nil, err
	}
	header, err := stream.Header()
	if err != nil {
		return nil, err
	}
	if header == nil { // ended before it began: the error comes with Recv
		_, err := stream.Recv()
		return nil, err
	}
	return stream, nil
}

// fromStream is as fromStatus. A message that was not understood is the engine's
// fault here, and another try would bring it again.
func fromStream(err error) (cause error, again bool) {
	cause, again = fromStatus(err)
	if errors.Is(cause, ErrRefused) {
		return malformed("%w", err), false
	}
	return cause, again
}

// decode returns the events of a message, which follow those that were taken.
func (f *follower) decode(p *enginepb.Events) ([]engine.Event, error) {
	if len(p.Events) == 0 {
		return nil, malformed("expected events, found none")
	}
	events := make([]engine.Event, len(p.Events))
	for i, e := range p.Events {
		var err error
		if events[i], err = decodeEvent(e); err != nil {
			return nil, err
		}
		if want := f.after + 1 + uint64(i); events[i].Number != want {
			return nil, malformed("event %d comes where %d was expected", events[i].Number, want)
		}
	}
	return events, nil
}
