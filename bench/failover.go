package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/book"
	"github.com/zkkex/zkkex/order/engine/enginegrpc"
	"github.com/zkkex/zkkex/order/journal/pgjournal"
)

// failoverLimit is how long no order is acknowledged after a gateway was killed.
const failoverLimit = time.Second

const (
	// flowRate is how many orders are entered in a second, whatever happens.
	flowRate = 200
	// flowBefore is how long orders flow before a gateway is killed.
	flowBefore = 300 * time.Millisecond
	// maxKills is the most rounds.
	maxKills = 10
	// settleWithin bounds how long a round may take.
	settleWithin = 30 * time.Second
)

// failover measures how long a member's orders wait when a gateway is killed, and
// counts what became of them.
func (r *runner) failover(ctx context.Context) error {
	if err := r.failoverOf(ctx, "restarted on its journal on disk", restarting); err != nil {
		return err
	}
	if r.options.PostgreSQL == "" {
		return nil
	}
	return r.failoverOf(ctx, "another one on the same PostgreSQL", sharing)
}

// site is where a member finds the venue's gateways.
type site struct {
	desk *desk
	plan orderPlan
	// spares is how many gateways run beside the one that is used.
	spares int

	mu        sync.Mutex
	processes []*orderProcess // the first one is tried first
}

// restarting is one gateway, which is started again when it was killed.
func restarting(_ context.Context, d *desk, _ string) (*site, func() error, error) {
	plan, err := d.plan("a")
	if err != nil {
		return nil, nil, err
	}
	plan.Journal, err = d.newJournal()
	return &site{desk: d, plan: plan}, func() error { return nil }, err
}

// sharing is two gateways on one database, with one matching engine.
func sharing(ctx context.Context, d *desk, postgresql string) (*site, func() error, error) {
	plan, err := d.plan("b")
	if err != nil {
		return nil, nil, err
	}
	postgresql, remove, err := newDatabase(ctx, postgresql)
	if err != nil {
		return nil, nil, err
	}
	if err := pgjournal.Init(ctx, postgresql); err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	matching, err := book.New(book.DefaultInstruments(), book.Options{Events: 1 << 20})
	if err != nil {
		return nil, nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- enginegrpc.NewServer(enginegrpc.ServerConfig{Engine: matching}).Serve(ctx, l) }()
	plan.PostgreSQL, plan.Engine = postgresql, l.Addr().String()
	return &site{desk: d, plan: plan, spares: 1}, func() error { cancel(); return errors.Join(<-served, remove()) }, nil
}

// start starts gateways until there are as many as there should be.
func (s *site) start(ctx context.Context) error {
	for {
		s.mu.Lock()
		enough := len(s.processes) > s.spares
		s.mu.Unlock()
		if enough {
			return nil
		}
		p, err := startOrders(ctx, s.desk.command, s.plan)
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.processes = append(s.processes, p)
		s.mu.Unlock()
	}
}

// kill ends the gateway that is used, and returns when.
func (s *site) kill() (time.Time, error) {
	s.mu.Lock()
	p := s.processes[0]
	s.processes = s.processes[1:]
	s.mu.Unlock()
	at := time.Now()
	return at, p.kill()
}

func (s *site) stop() error {
	var errs []error
	for _, p := range s.processes {
		errs = append(errs, p.stop())
	}
	return errors.Join(errs...)
}

// errNoGateway reports that no gateway runs at the moment.
var errNoGateway = errors.New("no gateway runs")

// address is where a member tries first.
func (s *site) address() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.processes) == 0 {
		return "", errNoGateway
	}
	return s.processes[0].at.Channel, nil
}

func (r *runner) failoverOf(ctx context.Context, name string, make func(context.Context, *desk, string) (*site, func() error, error)) (err error) {
	d, err := r.newDesk()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	s, end, err := make(ctx, d, r.options.PostgreSQL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop(), end()) }()
	if err := s.start(ctx); err != nil {
		return err
	}
	kills := min(r.options.rounds(), maxKills)
	r.progress(Failover, "%d gateways killed, %s", kills, name)
	f, err := newFlow(ctx, s)
	if err != nil {
		return err
	}
	defer f.client.Close()
	waits, err := f.killAll(ctx, s, kills)
	if err != nil {
		return err
	}
	faults, err := f.faults(ctx)
	if err != nil {
		return err
	}
	r.report.Latencies = append(r.report.Latencies, summariseLatency(Failover, "gateway killed, "+name+": no acknowledgement for", flowRate, waits))
	r.report.target(fmt.Sprintf("gateway killed, %s: no acknowledgement for, longest of %d", name, kills),
		time.Duration(slices.Max(waits)).Seconds(), "seconds", failoverLimit.Seconds())
	r.report.target(fmt.Sprintf("gateway killed, %s: lost, twice or unknown, of %d", name, len(f.entered)), float64(faults), "orders", 0)
	return nil
}

// flow is a member who enters orders at a rate, whatever happens.
type flow struct {
	client *order.Client

	mu      sync.Mutex
	entered map[order.ID]*entered
	since   time.Time // when the last gateway was killed
	first   time.Time // when an order was acknowledged that was entered after that
	reports map[order.ID]int
}

// entered is what became of an order.
type entered struct {
	answers int
	err     error
}

func newFlow(ctx context.Context, s *site) (*flow, error) {
	c, err := s.desk.certificate()
	if err != nil {
		return nil, err
	}
	f := &flow{entered: make(map[order.ID]*entered), reports: make(map[order.ID]int)}
	f.client, err = newOrderClient(ctx, func(ctx context.Context) (*handshake.Conn, error) {
		address, err := s.address()
		if err != nil {
			return nil, err
		}
		return s.desk.channel(ctx, address, c)
	}, true)
	return f, err
}

// enter enters one order, and does not wait for its acknowledgement.
func (f *flow) enter(ctx context.Context) error {
	id, err := f.client.NewID(ctx)
	if err != nil {
		return err
	}
	o, e, at := restingOrder(), new(entered), time.Now()
	o.ClOrdID = id
	f.mu.Lock()
	f.entered[id] = e
	f.mu.Unlock()
	_, err = f.client.Send(ctx, o, func(_ *order.ExecutionReport, err error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		e.answers++
		e.err = err
		if err == nil && f.first.IsZero() && at.After(f.since) {
			f.first = time.Now()
		}
	})
	return err
}

// run enters orders until ctx ends.
func (f *flow) run(ctx context.Context) error {
	tick := time.NewTicker(time.Second / flowRate)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := f.enter(context.WithoutCancel(ctx)); err != nil {
			return err
		}
	}
}

// read counts reports until ctx ends.
func (f *flow) read(ctx context.Context) error {
	for {
		got, err := f.client.Next(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if e, ok := got.Report.(*order.ExecutionReport); ok && e.ExecType == order.ExecNew {
			f.mu.Lock()
			f.reports[e.ClOrdID]++
			f.mu.Unlock()
		}
	}
}

// killAll kills gateways while orders flow, and returns how long it took each time
// until one was acknowledged that was entered after that.
func (f *flow) killAll(ctx context.Context, s *site, kills int) (waits []int64, err error) {
	flowing, stop := context.WithCancel(ctx)
	defer stop()
	group, flowing := errgroup.WithContext(flowing)
	group.Go(func() error { return f.run(flowing) })
	for range kills {
		time.Sleep(flowBefore)
		wait, err := f.killOne(flowing, s)
		if err != nil {
			stop()
			return nil, errors.Join(err, group.Wait())
		}
		waits = append(waits, wait.Nanoseconds())
	}
	stop()
	return waits, group.Wait()
}

func (f *flow) killOne(ctx context.Context, s *site) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	at, err := s.kill()
	if err != nil {
		return 0, err
	}
	f.mu.Lock()
	f.since, f.first = at, time.Time{}
	f.mu.Unlock()
	if s.spares == 0 {
		if err := s.start(context.WithoutCancel(ctx)); err != nil {
			return 0, err
		}
	}
	first, err := f.await(ctx, func() bool { return !f.first.IsZero() })
	if err != nil {
		return 0, fmt.Errorf("no order was acknowledged after a gateway was killed: %w", err)
	}
	return first.Sub(at), s.start(context.WithoutCancel(ctx))
}

// await waits for a condition, and returns when the first order was acknowledged.
func (f *flow) await(ctx context.Context, condition func() bool) (time.Time, error) {
	for {
		f.mu.Lock()
		met, first := condition(), f.first
		f.mu.Unlock()
		if met {
			return first, nil
		}
		select {
		case <-ctx.Done():
			return first, errors.Join(ctx.Err(), f.client.Err())
		case <-time.After(time.Millisecond):
		}
	}
}

// faults waits until everything is answered, and counts what went wrong.
func (f *flow) faults(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	reading, stop := context.WithCancel(ctx)
	group, reading := errgroup.WithContext(reading)
	group.Go(func() error { return f.read(reading) })
	_, late := f.await(ctx, func() bool {
		for id, e := range f.entered {
			if e.answers == 0 || f.reports[id] == 0 {
				return false
			}
		}
		return true
	})
	open, err := f.client.MassStatus(context.WithoutCancel(ctx))
	stop()
	if err := errors.Join(err, group.Wait()); err != nil {
		return 0, err
	}
	if late != nil && !errors.Is(late, context.DeadlineExceeded) {
		return 0, late
	}
	resting := make(map[order.ID]int)
	for _, report := range open {
		resting[report.ClOrdID]++
	}
	return f.count(resting), nil
}

// count counts the orders of which not exactly one of each kind is there: an answer
// without an error, a report, an order that rests; and those that rest and nobody
// entered.
func (f *flow) count(resting map[order.ID]int) (faults int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id := range resting {
		if f.entered[id] == nil {
			faults++
		}
	}
	for id, e := range f.entered {
		if e.answers != 1 || e.err != nil || resting[id] != 1 || f.reports[id] != 1 {
			faults++
		}
	}
	return faults
}
