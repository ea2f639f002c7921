package tunnel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/zkkex/zkkex/internal/record"
)

var (
	// ErrCut reports connections that did not end before the deadline of a
	// shutdown, and were reset.
	ErrCut = errors.New("connections were reset at the shutdown's deadline")
	// ErrNoReset reports a connection that has no way to show its program that
	// the other side was cut. Use TCP, or set AllowSilentTruncation.
	ErrNoReset = errors.New("a truncated stream would look complete here: use TCP, or allow silent truncation")
)

// forwarder is what client and server have in common: each connection that the
// listener gives is joined with one that dial gives. One of the two is a channel.
type forwarder struct {
	listener   net.Listener
	dial       func(ctx context.Context, accepted net.Conn) (net.Conn, error)
	keepAlive  func(ctx context.Context, channel net.Conn)
	isAccepted bool // the channel is the accepted connection, not the dialed one
	limits     Limits
	truncate   bool
	target     string // what dial reaches, for the log
	log        *errorLog
	counters   *counters
}

// serve accepts until ctx ends or the listener fails, then drains.
func (f *forwarder) serve(ctx context.Context) error {
	if !f.truncate && !f.isAccepted && f.listener.Addr().Network() == "unix" {
		return errors.Join(fmt.Errorf("tunnel: %w", ErrNoReset), f.listener.Close())
	}
	// The connections' context outlives ctx until they are drained.
	conns, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	defer context.AfterFunc(ctx, func() { _ = f.listener.Close() })() // closed again below, where the error counts

	var running sync.WaitGroup
	err := f.acceptAll(ctx, conns, &running)
	if closeErr := f.listener.Close(); !errors.Is(closeErr, net.ErrClosed) {
		err = errors.Join(err, closeErr)
	}
	return errors.Join(err, f.drain(&running, cut))
}

// acceptAll hands connections to goroutines, as many at once as the limits allow.
func (f *forwarder) acceptAll(ctx, conns context.Context, running *sync.WaitGroup) error {
	slots := make(chan struct{}, f.limits.Connections)
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		accepted, err := f.accept(ctx)
		if err != nil || accepted == nil {
			return err
		}
		f.counters.accepted.Add(1)
		running.Go(func() {
			defer func() { <-slots }()
			f.handle(conns, accepted)
		})
	}
}

// Pauses after an error of the listener that can pass, such as a process out of
// descriptors.
const (
	firstAcceptPause = 5 * time.Millisecond
	lastAcceptPause  = time.Second
)

// accept returns the next connection, or nil when ctx has ended.
func (f *forwarder) accept(ctx context.Context) (net.Conn, error) {
	for pause := firstAcceptPause; ; pause = min(2*pause, lastAcceptPause) {
		accepted, err := f.listener.Accept()
		switch {
		case err == nil:
			return accepted, nil
		case ctx.Err() != nil:
			return nil, nil
		case !isTemporary(err):
			return nil, fmt.Errorf("tunnel: the listener failed: %w", err)
		}
		f.log.kind("accepting", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, nil
		}
	}
}

func isTemporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

// drain waits for the connections, and cuts those that take too long.
func (f *forwarder) drain(running *sync.WaitGroup, cut context.CancelFunc) error {
	done := make(chan struct{})
	go func() {
		running.Wait()
		close(done)
	}()
	deadline := time.NewTimer(max(f.limits.Drain, 0))
	defer deadline.Stop()
	select {
	case <-done:
		return nil
	case <-deadline.C:
	}
	select {
	case <-done: // both were ready
		return nil
	default:
	}
	cut()
	<-done
	return fmt.Errorf("tunnel: %w", ErrCut)
}

// handle finds an accepted connection its other side, and carries it.
func (f *forwarder) handle(ctx context.Context, accepted net.Conn) {
	if !f.isAccepted {
		guard(accepted)
	}
	dialed, err := f.connect(ctx, accepted)
	if err != nil {
		f.counters.refused.Add(1)
		f.log.text("no connection to "+f.target, err)
		abort(accepted, record.AlertInternal)
		return
	}
	local, channel := accepted, dialed
	if f.isAccepted {
		local, channel = dialed, accepted
		guard(local)
	}
	f.counters.active.Add(1)
	err = f.begin(ctx, local, channel)
	f.counters.active.Add(-1)
	if err != nil {
		f.counters.cut.Add(1)
		f.log.kind("a connection was cut", err)
		return
	}
	f.counters.ended.Add(1)
}

// handshaker is a channel that was accepted before its handshake, as listeners
// of crypto/tls do it.
type handshaker interface {
	HandshakeContext(ctx context.Context) error
}

// connect dials the other side of an accepted connection. No stranger makes it
// dial: a channel completes its handshake before.
func (f *forwarder) connect(ctx context.Context, accepted net.Conn) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, f.limits.DialTimeout)
	defer cancel()
	if h, ok := accepted.(handshaker); ok && f.isAccepted {
		if err := h.HandshakeContext(ctx); err != nil {
			return nil, unlogged{err}
		}
	}
	dialed, err := f.dial(ctx, accepted)
	if err != nil {
		return nil, err
	}
	if !f.truncate && !(canAbort(accepted) && canAbort(dialed)) {
		return nil, errors.Join(ErrNoReset, dialed.Close())
	}
	return dialed, nil
}

// earlier is a channel that content came with before its first record.
type earlier interface{ Early() []byte }

// begin writes what came early, and carries what follows.
func (f *forwarder) begin(ctx context.Context, local, channel net.Conn) error {
	if e, ok := channel.(earlier); ok && f.isAccepted && len(e.Early()) > 0 {
		stop := context.AfterFunc(ctx, func() { abort(local, record.AlertShutdown) })
		n, err := local.Write(e.Early())
		stop()
		f.counters.received.Add(uint64(n))
		if err != nil {
			abort(local, record.AlertInternal)
			abort(channel, record.AlertInternal)
			return err
		}
	}
	return f.carry(ctx, local, channel)
}

// carry joins both sides, with the keep-alive hook beside them.
func (f *forwarder) carry(ctx context.Context, local, channel net.Conn) error {
	ctx, end := context.WithCancel(ctx)
	var hook sync.WaitGroup
	if f.keepAlive != nil {
		hook.Go(func() { f.keepAlive(ctx, channel) })
	}
	err := f.join(ctx, local, channel)
	end()
	hook.Wait()
	return err
}
