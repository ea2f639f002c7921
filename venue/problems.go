package venue

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Problem is something that the venue tries and cannot do.
type Problem struct {
	// What is the task: "sync", "rotate", "share", "publish", "follow", "bans",
	// "sweep" or "admissions".
	What string `json:"what"`
	// Since is when it first failed after it last worked.
	Since time.Time `json:"since"`
	// Error is why, at the last attempt, and what to do.
	Error string `json:"error"`
}

// problems are the tasks that fail at the moment.
type problems struct {
	mu     sync.Mutex
	byTask map[string]Problem
}

// problem notes how a task went. What the caller gave up is no problem.
func (v *Venue) problem(ctx context.Context, what string, err error) {
	if err != nil && (ctx.Err() != nil || errors.Is(err, context.Canceled)) {
		return
	}
	p := &v.problems
	p.mu.Lock()
	defer p.mu.Unlock()
	known, failing := p.byTask[what]
	switch {
	case err == nil && failing:
		delete(p.byTask, what)
		v.log.Info("works again", "task", what)
	case err != nil && !failing:
		known = Problem{What: what, Since: v.now().UTC()}
		fallthrough
	case err != nil:
		if known.Error != err.Error() {
			v.log.Error("failed", "task", what, "error", err)
		}
		known.Error = err.Error()
		if p.byTask == nil {
			p.byTask = make(map[string]Problem)
		}
		p.byTask[what] = known
	}
}

// list returns the problems, the oldest first.
func (p *problems) list() []Problem {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]Problem, 0, len(p.byTask))
	for _, problem := range p.byTask {
		out = append(out, problem)
	}
	slices.SortFunc(out, func(a, b Problem) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.What, b.What)) })
	return out
}
