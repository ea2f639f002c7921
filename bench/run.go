package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/zkkex/zkkex/internal/quiet"
)

// runner is one run.
type runner struct {
	options Options
	report  *Report
	member  *member // made once, by prepared
}

// Run measures what the options choose. It returns the error of the first
// operation that fails, or that of ctx, which it looks at between samples; a
// target that is missed is no error.
func Run(ctx context.Context, o Options) (*Report, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	quiet.Gnark()
	r := &runner{options: o, report: &Report{
		Format:    Format,
		Started:   time.Now().UTC().Truncate(time.Second),
		Quick:     o.Quick,
		Machine:   describeMachine(),
		Targets:   []Target{},
		Counts:    []Count{},
		Openings:  []Opening{},
		Latencies: []Latency{},
		Timings:   []Timing{},
	}}
	for _, p := range Parts() {
		if !o.wants(p) {
			continue
		}
		if err := r.run(ctx, p); err != nil {
			return nil, fmt.Errorf("benchmark %s: %w", p, err)
		}
	}
	r.report.PeakMemory = peakMemory()
	r.report.ratiosFirst()
	return r.report, nil
}

func (r *runner) run(ctx context.Context, p Part) error {
	switch p {
	case Compile:
		return r.compile(ctx)
	case Setup:
		return r.setup(ctx)
	case Ceremony:
		return r.ceremony(ctx)
	case Open:
		return r.open(ctx)
	case Prove:
		return r.prove(ctx)
	case Plonk:
		return r.plonk(ctx)
	case Keys:
		return r.keys(ctx)
	case Threshold:
		return r.threshold(ctx)
	case Cold:
		return r.cold(ctx)
	case Verify:
		return r.verify(ctx)
	case Batch:
		return r.batch(ctx)
	case Handshake:
		return r.opening(ctx)
	case Garbage:
		return r.garbage(ctx)
	case Flood:
		return r.flood(ctx)
	case Channel:
		return r.channel(ctx)
	case Idle:
		return r.idle(ctx)
	case Tree:
		return r.tree(ctx)
	case Admissions:
		return r.admissions(ctx)
	case Orders:
		return r.orders(ctx)
	case OrderThroughput:
		return r.orderThroughput(ctx)
	case Failover:
		return r.failover(ctx)
	default:
		return r.registry(ctx)
	}
}

func (r *runner) progress(p Part, format string, args ...any) {
	if r.options.Progress != nil {
		r.options.Progress(p, fmt.Sprintf(format, args...))
	}
}

// measure interleaves tasks and adds their timings to the report.
func (r *runner) measure(ctx context.Context, p Part, members, rounds int, tasks ...task) ([]Timing, error) {
	timings, err := interleave(ctx, rounds, tasks...)
	if err != nil {
		return nil, err
	}
	r.report.add(p, members, timings)
	return timings, nil
}

// few is a number of rounds for operations of seconds.
func (r *runner) few() int { return min(r.options.rounds(), 3) }

// prepared returns the member that proves, made at the first call.
func (r *runner) prepared() (*member, error) {
	if r.member != nil {
		return r.member, nil
	}
	m, err := newMember()
	r.member = m
	return m, err
}
