package journal

import (
	"context"

	"github.com/zkkex/zkkex/order"
)

// Prune implements [Store].
func (m *Memory) Prune(ctx context.Context, epoch uint64) error {
	return m.write(ctx, func() error {
		m.pruned = max(m.pruned, epoch)
		for id, s := range m.sessions {
			if id.Epoch < m.pruned && s.open == 0 {
				m.forget(s)
			}
		}
		for alias, session := range m.aliases {
			if alias.Epoch < m.pruned || session.Epoch < m.pruned {
				delete(m.aliases, alias)
			}
		}
		for id := range m.banned {
			if id.Epoch < m.pruned {
				delete(m.banned, id)
			}
		}
		return nil
	})
}

func (m *Memory) forget(s *memorySession) {
	for _, o := range s.orders {
		m.unname(o)
	}
	delete(m.sessions, s.ID)
	m.held -= s.held
}

// ended reports whether a session's epoch was pruned.
func (m *Memory) ended(id order.SessionID) bool { return id.Epoch < m.pruned }
