package health

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Timeout bounds all checks of one answer. A load balancer asks several times a
// second, and takes a late answer for none.
const Timeout = 500 * time.Millisecond

// keep is for how long an answer is given again: however often anybody asks, the
// journal is asked ten times a second at most.
const keep = 100 * time.Millisecond

// ErrDraining reports a gateway that is being stopped: it takes no new sessions.
var ErrDraining = errors.New("the gateway is draining")

// Check is a condition of being ready.
type Check struct {
	// Name is what is checked, in a word of a to z, such as "journal".
	Name string
	// Err returns why it does not hold, or nil. It is called by one goroutine at a
	// time, and gives up when ctx ends.
	Err func(ctx context.Context) error
}

// Result is what came of a check.
type Result struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Error says why not.
	Error string `json:"error,omitempty"`
}

// checks runs checks, each in a goroutine of its own: one that hangs is reported as
// such, and is not started again before it returns.
type checks struct {
	all []Check
	now func() time.Time

	mu      sync.Mutex
	at      time.Time
	last    []Result
	running []bool
	errs    []error
	changed *sync.Cond
}

func newChecks(all []Check) *checks {
	c := &checks{all: all, now: time.Now, running: make([]bool, len(all)), errs: make([]error, len(all))}
	c.changed = sync.NewCond(&c.mu)
	return c
}

// results returns what came of all checks, and whether all hold.
func (c *checks) results() (results []Result, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if age := c.now().Sub(c.at); c.last == nil || age >= keep || age < 0 {
		c.run()
		c.at = c.now()
	}
	ok = true
	for _, r := range c.last {
		ok = ok && r.OK
	}
	return c.last, ok
}

// errHangs is what a check is reported with that takes too long.
var errHangs = fmt.Errorf("no answer within %v", Timeout)

// run starts the checks and waits for them, no longer than [Timeout]. The mutex is
// the caller's.
func (c *checks) run() {
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	for i, check := range c.all {
		if !c.running[i] {
			c.running[i], c.errs[i] = true, errHangs
			go c.runOne(ctx, i, check)
		}
	}
	stop := context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.changed.Broadcast()
	})
	for ctx.Err() == nil && c.anyRunning() {
		c.changed.Wait()
	}
	stop()
	cancel()
	c.last = make([]Result, len(c.all))
	for i, check := range c.all {
		c.last[i] = resultOf(check.Name, c.errs[i])
	}
}

func (c *checks) runOne(ctx context.Context, i int, check Check) {
	err := check.Err(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running[i], c.errs[i] = false, err
	c.changed.Broadcast()
}

func (c *checks) anyRunning() bool {
	for _, running := range c.running {
		if running {
			return true
		}
	}
	return false
}

func resultOf(name string, err error) Result {
	if err != nil {
		return Result{Name: name, Error: err.Error()}
	}
	return Result{Name: name, OK: true}
}
