package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
)

// Halt makes this gateway at once, and all others on the journal within two seconds,
// refuse new orders, or take them again. Cancels are taken all the while, and what
// rests in the book stays.
func (g *Gateway) Halt(ctx context.Context, halted bool) error {
	if halted {
		g.setHalted(true) // also if the journal cannot be reached
	}
	if err := g.store.Halt(ctx, halted); err != nil {
		return fmt.Errorf("halt, for all gateways: %w", err)
	}
	g.setHalted(halted)
	return nil
}

func (g *Gateway) setHalted(halted bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.halted != halted {
		g.log.Warn("halt", "halted", halted)
	}
	g.halted = halted
}

// KillAll cancels everything that is open, of all sessions and all gateways. New
// orders are taken all the same, unless the venue is halted before. Its error wraps
// [engine.ErrUnavailable].
func (g *Gateway) KillAll(ctx context.Context) error {
	g.mu.Lock()
	var commands []engine.Command
	now := g.clock.now()
	for _, st := range g.states {
		commands = g.withdrawAll(commands, st, engine.Operator, now)
	}
	g.mu.Unlock()
	g.log.Warn("all open orders are cancelled by the operator", "orders", len(commands))
	g.do(ctx, commands)
	if g.waiting.gone() {
		return fmt.Errorf("orders are cancelled when it is back: %w", engine.ErrUnavailable)
	}
	return nil
}

// Kill cancels everything that a session has open. It can go on.
func (g *Gateway) Kill(ctx context.Context, session order.SessionID) error {
	id, err := g.store.Resolve(ctx, session)
	if err != nil {
		id = session
	}
	g.kill(ctx, id)
	if err != nil {
		return fmt.Errorf("find the session that has this name since a renewal: %w", err)
	}
	return nil
}

func (g *Gateway) kill(ctx context.Context, id order.SessionID) {
	g.mu.Lock()
	var commands []engine.Command
	if st := g.states[id]; st != nil {
		commands = g.withdrawAll(nil, st, engine.Operator, g.clock.now())
	}
	g.mu.Unlock()
	g.do(ctx, commands)
}

// Ban ends a session's connection here, cancels what it has open, and refuses it at
// all gateways until its epoch ends. A connection that it has at another gateway
// ends within two seconds.
func (g *Gateway) Ban(ctx context.Context, session order.SessionID) error {
	id, err := g.store.Resolve(ctx, session)
	if err != nil {
		id = session
	}
	err = errors.Join(err, g.store.Ban(ctx, id))
	if id != session {
		err = errors.Join(err, g.store.Ban(ctx, session))
	}
	g.mu.Lock()
	if st := g.states[id]; st != nil && st.attached != nil {
		st.attached.end(order.RejectBanned, refusals[order.RejectBanned])
	}
	g.mu.Unlock()
	g.kill(ctx, id)
	g.log.Warn("a session was banned by the operator", "recorded", err == nil)
	if err != nil {
		return fmt.Errorf("ban: the connection here has ended, but the session may come back: %w", err)
	}
	return nil
}

// expel ends the sessions here that were banned at another gateway, or while they
// were being attached.
func (g *Gateway) expel(ctx context.Context) {
	banned, err := g.store.Bans(ctx)
	if err != nil {
		g.log.Warn("the journal did not say who is banned", "error", err)
		return
	}
	for _, id := range banned {
		g.mu.Lock()
		st := g.states[id]
		if st != nil && st.attached != nil {
			st.attached.end(order.RejectBanned, refusals[order.RejectBanned])
		}
		open := st != nil && len(st.names) > 0
		g.mu.Unlock()
		if open {
			g.kill(ctx, id)
		}
	}
}

// Renewed says that a channel was renewed: what the old pseudonym has in this venue
// is found by the new one from now on.
func (g *Gateway) Renewed(ctx context.Context, old, renewed order.SessionID) error {
	id, err := g.store.Resolve(ctx, old)
	if err == nil {
		err = g.store.Alias(ctx, renewed, id)
	}
	if err != nil {
		return fmt.Errorf("record the renewal of a session: %w", err)
	}
	return nil
}

// Drain takes no more sessions, ends those that are here, and waits until they have
// gone and what has happened is recorded, or ctx ends. Their orders have their
// grace, in which clients connect to another gateway.
func (g *Gateway) Drain(ctx context.Context) error {
	g.mu.Lock()
	g.draining = true
	for _, s := range g.sessions() {
		s.end(order.RejectDraining, "the gateway is about to stop: connect to another")
	}
	g.mu.Unlock()
	t := time.NewTicker(tickEvery)
	defer t.Stop()
	for {
		if s := g.Status(); s.Sessions == 0 && s.Waiting == 0 && s.Commands == 0 && !s.StoreFailing {
			return nil
		}
		select {
		case <-ctx.Done():
			s := g.Status()
			return fmt.Errorf("drain: %d sessions, %d reports and %d commands are left: %w", s.Sessions, s.Waiting, s.Commands, ctx.Err())
		case <-t.C:
		}
	}
}
