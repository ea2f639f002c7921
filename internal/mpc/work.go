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

// work is a step that many processors do together, chunk by chunk.
type work struct {
	step  string
	total int
	jobs  []job
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
	w.total += n
}

// run does the jobs on all processors and returns the error of the first that
// fails, or that of ctx, which is looked at between jobs.
func (w *work) run(ctx context.Context, progress Progress) error {
	report := w.reporter(progress)
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
			report(j.size)
			return nil
		})
	}
	return group.Wait()
}

// reporter returns what a job calls when it is done.
func (w *work) reporter(progress Progress) func(size int) {
	if progress == nil {
		return func(int) {}
	}
	var mu sync.Mutex
	done := 0
	return func(size int) {
		mu.Lock()
		defer mu.Unlock()
		done += size
		progress(w.step, done, w.total)
	}
}
