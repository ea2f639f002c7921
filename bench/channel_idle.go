package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/zkkex/zkkex/bench/internal/peers"
	"github.com/zkkex/zkkex/handshake"
)

const (
	// idleLimit is the memory of an idle channel on either side, goroutines
	// included, in bytes.
	idleLimit = 16 << 10
	// idleChannels are open at a time, and idleQuick in a quick run. Each takes a
	// file descriptor a side, and otherFiles are left for the rest.
	idleChannels = 10_000
	idleQuick    = 500
	otherFiles   = 200
	// idleDialers open them.
	idleDialers = 4
)

// idleChannels is how many channels are opened, as many as the system lets.
func (o *Options) idleChannels() int {
	n := idleChannels
	if o.Quick {
		n = idleQuick
	}
	if most := maxFiles(); most > 0 {
		n = min(n, most-otherFiles)
	}
	return max(n, 1)
}

// memory is what a process takes, in bytes, after its garbage was collected and
// given back.
type memory struct {
	// Held is heap and stacks in use.
	Held int64 `json:"held_bytes"`
	// Resident is the resident set, or 0 where the system does not tell.
	Resident int64 `json:"resident_bytes"`
}

func measureMemory() memory {
	runtime.GC()
	debug.FreeOSMemory() // collects once more, which empties what pools have kept
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return memory{Held: int64(stats.HeapInuse + stats.StackInuse), Resident: int64(residentMemory())}
}

// idle measures the memory of channels between this process and another, which is
// the venue.
func (r *runner) idle(ctx context.Context) (err error) {
	n := r.options.idleChannels()
	r.progress(Idle, "%d channels between two processes", n)
	v, err := startIdleVenue(ctx, r.options.Idle)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.stop()) }()
	before, err := v.measure()
	if err != nil {
		return err
	}
	here := measureMemory()
	channels, opens, err := v.openAll(ctx, n)
	defer func() {
		for _, c := range channels {
			c.Close()
		}
	}()
	if err != nil {
		return err
	}
	after, err := v.measure()
	if err != nil {
		return err
	}
	r.report.add(Idle, 0, []Timing{summarise(fmt.Sprintf("open one of %d", n), timed(opens))})
	r.judgeIdle("venue", n, before, after)
	r.judgeIdle("member", n, here, measureMemory())
	runtime.KeepAlive(channels)
	return nil
}

// judgeIdle adds the targets for one side.
func (r *runner) judgeIdle(side string, n int, before, after memory) {
	each := func(before, after int64) float64 { return float64(after-before) / float64(n) }
	r.report.target(fmt.Sprintf("an idle channel of %d at the %s, heap and stacks", n, side), each(before.Held, after.Held), "bytes", idleLimit)
	if after.Resident > 0 {
		r.report.target(fmt.Sprintf("an idle channel of %d at the %s, resident", n, side), each(before.Resident, after.Resident), "bytes", idleLimit)
	}
}

// openAll opens n channels, asks once on each, and leaves a goroutine that reads.
func (v *idleVenue) openAll(ctx context.Context, n int) (channels []net.Conn, opens []opened, err error) {
	made, seen := make([]net.Conn, n), make([]opened, n)
	group, ctx := errgroup.WithContext(ctx)
	for first := range idleDialers {
		group.Go(func() (err error) {
			for i := first; i < n && err == nil; i += idleDialers {
				made[i], seen[i].took, err = v.open(ctx)
			}
			return err
		})
	}
	err = group.Wait()
	return slices.DeleteFunc(made, func(c net.Conn) bool { return c == nil }), seen, err
}

func (v *idleVenue) open(ctx context.Context) (net.Conn, time.Duration, error) {
	i, err := handshake.NewInitiator(v.venue, v.certificate, handshake.InitiatorOptions{Kind: handshake.Open})
	if err != nil {
		return nil, 0, err
	}
	start := time.Now()
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", v.address)
	if err != nil {
		return nil, 0, err
	}
	c, err := handshake.Client(ctx, raw, i, nil)
	if err != nil {
		return nil, 0, err
	}
	if err := peers.Ask(c); err != nil {
		c.Close()
		return nil, 0, err
	}
	took := time.Since(start)
	go drain(c)
	return c, took, nil
}

// drain reads what never comes, as an application does.
func drain(r io.Reader) {
	var b [1]byte
	for {
		if _, err := r.Read(b[:]); err != nil {
			return // closed
		}
	}
}
