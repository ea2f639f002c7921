package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/journal/pgjournal"
)

// Limits of a gateway that takes as many orders as it can.
const (
	// gatewayLimit is 100,000 orders a second on one core.
	gatewayLimit = time.Second / 100_000
	// recordedLimit is 20,000 orders a second, each on disk before it is
	// acknowledged.
	recordedLimit = time.Second / 20_000
)

const (
	// pipelined orders make a sample, pipelinedQuick in a quick run, sent in writes of
	// orderBatch, of which orderWindow are not acknowledged at most.
	pipelined      = 10_240
	pipelinedQuick = 1_280
	orderBatch     = 64
	orderWindow    = 64
)

// Names of what is measured.
const (
	pipeRests     = "an order that rests, %s"
	pipeImmediate = "an order that is done at once, %s"
)

// orderThroughput measures what an order takes a gateway when many come, each
// acknowledged. CPU times and allocations are the gateway's process alone.
func (r *runner) orderThroughput(ctx context.Context) (err error) {
	d, err := r.newDesk()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	n := pipelined
	if r.options.Quick {
		n = pipelinedQuick
	}
	var tasks []task
	add := func(name string, p *orderProcess, stream order.ClientStream, err error) error {
		if err != nil {
			return err
		}
		s, err := newOrderStream(stream)
		if err != nil {
			return errors.Join(err, stream.Close())
		}
		tasks = append(tasks, s.pipelined(fmt.Sprintf(pipeRests, name), p, restingOrder(), n),
			s.pipelined(fmt.Sprintf(pipeImmediate, name), p, immediateOrder(), n))
		return nil
	}
	postgresql := r.options.PostgreSQL
	if postgresql != "" {
		var remove func() error
		if postgresql, remove, err = newDatabase(ctx, postgresql); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, remove()) }()
	}
	gateways, err := d.gateways(ctx, postgresql)
	defer func() {
		for _, g := range gateways {
			err = errors.Join(err, g.stop())
		}
	}()
	if err != nil {
		return err
	}
	for _, g := range gateways {
		channel, err := d.openChannel(ctx, g.at.Channel)
		if err == nil {
			defer channel.Close()
		}
		if err := add(viaZkkex+g.name, g.orderProcess, order.NewClientStream(channel), err); err != nil {
			return err
		}
		if g.name != "" {
			continue
		}
		plain, err := d.dial(g.at.TCP, nil)
		if err := add(viaTCP, g.orderProcess, plain, err); err != nil {
			return err
		}
	}
	r.progress(OrderThroughput, "%d rounds of %d tasks, %d orders each", r.options.rounds(), len(tasks), n)
	timings, err := r.measure(ctx, OrderThroughput, 0, r.options.rounds(), tasks...)
	if err != nil {
		return err
	}
	r.judgeThroughput(timings)
	return nil
}

// kept is a gateway, named by where its journal is.
type kept struct {
	name string
	*orderProcess
}

// gateways starts one gateway for each kind of journal.
func (d *desk) gateways(ctx context.Context, postgresql string) (out []kept, err error) {
	add := func(name string, plan orderPlan) error {
		p, err := startOrders(ctx, d.command, plan)
		if err == nil {
			out = append(out, kept{name, p})
		}
		return err
	}
	plan, err := d.plan("a")
	if err != nil {
		return nil, err
	}
	if err := add("", plan); err != nil {
		return out, err
	}
	disk := plan
	if disk.Journal, err = d.newJournal(); err != nil {
		return out, err
	}
	if err := add(viaDurable, disk); err != nil {
		return out, err
	}
	if postgresql == "" {
		return out, nil
	}
	if err := pgjournal.Init(ctx, postgresql); err != nil {
		return out, err
	}
	plan.PostgreSQL = postgresql
	return out, add(viaPostgreSQL, plan)
}

// viaPostgreSQL is where a journal is.
const viaPostgreSQL = ", PostgreSQL"

func (d *desk) openChannel(ctx context.Context, address string) (*handshake.Conn, error) {
	c, err := d.certificate()
	if err != nil {
		return nil, err
	}
	return d.channel(ctx, address, c)
}

// immediateOrder trades with nobody either, and does not rest: it has two reports.
func immediateOrder() order.NewOrderSingle {
	o := restingOrder()
	o.TimeInForce, o.TimeToLive = order.ImmediateOrCancel, 0
	return o
}

// pipelined enters n copies of an order, many of them on their way at a time.
func (s *orderStream) pipelined(name string, p *orderProcess, o order.NewOrderSingle, n int) task {
	return task{
		name: name, each: n, usage: p.usage,
		before: func() error { return s.ask(&order.OrderMassCancelRequest{ClOrdID: s.id()}) },
		run:    func() error { return s.pipeline(o, n) },
	}
}

// pipeline returns when all orders are acknowledged, and those that do not rest are
// over.
func (s *orderStream) pipeline(o order.NewOrderSingle, n int) error {
	places, written, failed := make(chan struct{}, orderWindow), make(chan error, 1), make(chan struct{})
	go func() {
		err := s.writeAll(o, n, places, failed)
		if err != nil {
			err = errors.Join(err, s.Close()) // so that nobody waits for reports
		}
		written <- err
	}()
	err := s.readAll(o.TimeInForce, n, places)
	if err != nil {
		err = errors.Join(err, s.Close())
		close(failed)
	}
	return errors.Join(err, <-written)
}

// writeAll enters copies of an order, a batch for each place, until that failed.
func (s *orderStream) writeAll(o order.NewOrderSingle, n int, places chan<- struct{}, failed <-chan struct{}) error {
	orders, frames := make([]order.NewOrderSingle, orderBatch), make([]order.ClientFrame, orderBatch)
	for range n / orderBatch {
		for i := range orders {
			orders[i] = o
			orders[i].ClOrdID = s.id()
			frames[i] = s.frame(&orders[i])
		}
		select {
		case places <- struct{}{}:
		case <-failed:
			return nil
		}
		if err := s.WriteRequests(frames); err != nil {
			return err
		}
	}
	return nil
}

// readAll takes reports until all orders are done with.
func (s *orderStream) readAll(t order.TimeInForce, n int, places <-chan struct{}) error {
	last := order.ExecNew
	if t == order.ImmediateOrCancel {
		last = order.ExecCanceled
	}
	for done := 0; done < n; {
		var err error
		if s.reports, err = s.ReadReports(s.reports[:0]); err != nil {
			return err
		}
		for _, f := range s.reports {
			if f.Report.Report == nil {
				continue
			}
			if err := accepted(f.Report.Report); err != nil {
				return err
			}
			if f.Report.Report.(*order.ExecutionReport).ExecType != last {
				continue
			}
			if done++; done%orderBatch == 0 {
				<-places
			}
		}
	}
	return nil
}

// judgeThroughput adds the targets. Both kinds of orders have to meet them.
func (r *runner) judgeThroughput(timings []Timing) {
	for _, t := range timings {
		switch t.Name {
		case fmt.Sprintf(pipeRests, viaZkkex), fmt.Sprintf(pipeImmediate, viaZkkex):
			r.report.target(t.Name+", in memory, CPU time of the gateway", time.Duration(t.CPU.Median).Seconds(), "seconds", gatewayLimit.Seconds())
		case fmt.Sprintf(pipeRests, viaZkkex+viaDurable), fmt.Sprintf(pipeImmediate, viaZkkex+viaDurable):
			r.report.duration(t.Name, t, recordedLimit)
		}
	}
}
