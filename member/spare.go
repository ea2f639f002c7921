package member

import (
	"slices"
	"sync"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/session"
)

// spare are certificates that were taken for a session and never left this
// process, such as when the venue could not be reached. They are as fresh as any:
// without them, every try would cost a slot.
type spare struct {
	mu           sync.Mutex
	closed       bool
	certificates []*session.Certificate
}

// put keeps a certificate, or wipes it if it was used.
func (s *spare) put(c *session.Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || c.Opens() > 0 {
		c.Wipe()
		return
	}
	s.certificates = append(s.certificates, c)
}

// take returns a certificate for a scope, or nil, and wipes those for others.
func (s *spare) take(scope zkkex.Scope) *session.Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.certificates = slices.DeleteFunc(s.certificates, func(c *session.Certificate) bool {
		other := c.Presentation().Statement.Scope != scope
		if other {
			c.Wipe()
		}
		return other
	})
	if len(s.certificates) == 0 {
		return nil
	}
	c := s.certificates[0]
	s.certificates = s.certificates[1:]
	return c
}

func (s *spare) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, c := range s.certificates {
		c.Wipe()
	}
	s.certificates = nil
}
