package admission

import (
	"errors"
	"maps"
	"sync"

	"github.com/zkkex/zkkex"
)

// Stats count what a gate decided since it was made.
type Stats struct {
	// Admitted is the number of certificates that were admitted, and Again how
	// often one that was admitted before was shown.
	Admitted, Again uint64
	// Opens is the number of opens that were recorded.
	Opens uint64
	// Refused is the number of rejections, by reason: certificates whose slot
	// or key another certificate has under [zkkex.SlotUsed], opens that were
	// used before or beyond the cap under [handshake.OpensExceeded].
	Refused map[zkkex.Reason]uint64
	// Undecided is the number of questions that could not be answered.
	Undecided uint64
	// Channels is the number of channels that are open now.
	Channels int
}

type counters struct {
	mu    sync.Mutex
	stats Stats
}

// Stats returns the counters.
func (g *Gate) Stats() Stats {
	g.counters.mu.Lock()
	defer g.counters.mu.Unlock()
	s := g.counters.stats
	s.Refused = maps.Clone(s.Refused)
	s.Channels = g.channels.count()
	return s
}

func (g *Gate) admitted(fresh bool) {
	g.counters.mu.Lock()
	defer g.counters.mu.Unlock()
	if fresh {
		g.counters.stats.Admitted++
	} else {
		g.counters.stats.Again++
	}
}

func (c *counters) opened() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Opens++
}

// counted counts an error, and returns it.
func (g *Gate) counted(err error) error {
	if err == nil {
		return nil
	}
	g.counters.mu.Lock()
	defer g.counters.mu.Unlock()
	var reject *zkkex.RejectError
	if !errors.As(err, &reject) {
		g.counters.stats.Undecided++
		return err
	}
	if g.counters.stats.Refused == nil {
		g.counters.stats.Refused = make(map[zkkex.Reason]uint64)
	}
	g.counters.stats.Refused[reject.Reason]++
	return err
}
