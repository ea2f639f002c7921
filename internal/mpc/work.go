package mpc

import (
	"context"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Progress is told how far a step has come: done of total units of work, never
// fewer than the time before, total at the end. Calls do not overlap. It may be
// nil.
type Progress func(step string, done, total int)

// chunk is how many points are taken at a time: few enough that a context is
// looked at within some tens of milliseconds.
const chunk = 64

// step is something that takes time, and is reported on as a whole.
type step struct {
	name     string
	total    int
	progress Progress

	mu   sync.Mutex
	done int
}

// newStep returns a step of total units, or of as many as its one part has if that
// is 0.
func newStep(name string, total int, progress Progress) *step {
	return &step{name: name, total: total, progress: progress}
}

// part returns a part of the step, after the parts before it.
func (s *step) part() *work { return &work{step: s} }

func (s *step) report(units int) {
	if s.progress == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done += units
	s.progress(s.name, s.done, s.total)
}

// work is what many processors do together, chunk by chunk.
type work struct {
	step *step
	jobs []job
	size int
}

type job struct {
	size int
	do   func() error
}

// add splits n units into jobs; do gets the first unit and the one after the
// last.
func (w *work) add(n int, do func(start, end int) error) {
	for start := 0; start < n; start += chunk {
		end := min(start+chunk, n)
		w.jobs = append(w.jobs, job{size: end - start, do: func() error { return do(start, end) }})
	}
	w.size += n
}

// run does the jobs on all processors and returns the error of the first that
// fails, or that of ctx, which is looked at between jobs.
func (w *work) run(ctx context.Context) error {
	if w.step.total == 0 {
		w.step.total = w.size
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, j := range w.jobs {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := j.do(); err != nil {
				return err
			}
			w.step.report(j.size)
			return nil
		})
	}
	return group.Wait()
}
