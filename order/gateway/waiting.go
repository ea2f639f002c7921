package gateway

import (
	"context"
	"sync"

	"github.com/zkkex/zkkex/order/engine"
)

// maxWaiting is the most commands that wait for an engine that is gone. New orders
// are refused meanwhile; what waits are those that were on their way, and cancels.
const maxWaiting = 262_144

// waiting are commands that an engine may not have taken. They are given again, in
// order, until it has.
type waiting struct {
	mu       sync.Mutex
	commands []engine.Command
	giving   bool
}

// gone reports whether commands wait.
func (w *waiting) gone() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.commands) > 0
}

func (w *waiting) status() (commands int, gone bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.commands), len(w.commands) > 0
}

// do gives commands to the engine, or keeps them until it can be reached.
func (g *Gateway) do(ctx context.Context, commands []engine.Command) {
	if len(commands) == 0 || g.keep(commands, false) {
		return
	}
	if err := g.engine.Do(ctx, commands); err != nil {
		g.log.Warn("the matching engine did not take commands: they are given again", "error", err)
		g.keep(commands, true)
	}
}

// keep keeps commands if others wait already, or if always is set, and reports
// whether it did.
func (g *Gateway) keep(commands []engine.Command, always bool) bool {
	w := &g.waiting
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.commands) == 0 && !always {
		return false
	}
	if len(w.commands)+len(commands) > maxWaiting {
		g.log.Error("too many commands wait for the matching engine", "left_out", len(commands))
		return true
	}
	w.commands = append(w.commands, commands...)
	return true
}

// giveAgain gives the engine what waits.
func (g *Gateway) giveAgain(ctx context.Context) {
	w := &g.waiting
	w.mu.Lock()
	if w.giving || len(w.commands) == 0 {
		w.mu.Unlock()
		return
	}
	w.giving = true
	batch := w.commands[:min(len(w.commands), 1024)]
	now := g.clock.now()
	for i := range batch {
		batch[i].Now = now
	}
	w.mu.Unlock()
	err := g.engine.Do(ctx, batch)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.giving = false
	if err != nil {
		return
	}
	w.commands = w.commands[len(batch):]
	if len(w.commands) == 0 {
		w.commands = nil
		g.log.Info("the matching engine takes commands again")
	}
}
