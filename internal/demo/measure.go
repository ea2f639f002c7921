package demo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/zkkex/zkkex/order"
)

// The last act times so many orders, for so long at most, and so many opens.
const (
	maxTimed   = 3000
	maxTiming  = 6 * time.Second
	timedOpens = 20
)

// measure times opens and orders, without the relay.
func (p *play) measure(ctx context.Context) error {
	s, bob := p.story, p.traders[taker]
	s.title("How long it takes, here")
	m := s.report.Machine
	s.text("Trader, venue and everybody else in one process, %d cores (%s/%s), over loopback, without the relay. This machine may be busy with other things; figures that can be compared come from the benchmarks.", m.CPUs, m.OS, m.Arch)
	bob.line.direct(p.house.sessions)
	opens, err := bob.timeOpens(ctx)
	if err != nil {
		return err
	}
	s.latency("opening a channel again, proof shown before", opens)
	if err := bob.open(ctx); err != nil {
		return err
	}
	done := s.waiting("timing orders", time.Now())
	acks, err := bob.desk.timeOrders(ctx, p.options.latencies)
	done()
	if err != nil {
		return err
	}
	s.latency("order to acknowledgement, one at a time", acks)
	s.gap()
	s.text("Acknowledged means that the venue has the order in its journal, synced to disk, and that the trader has been told.")
	return nil
}

func (t *trader) timeOpens(ctx context.Context) ([]time.Duration, error) {
	first, err := t.at.Fresh(ctx)
	if err != nil {
		return nil, err
	}
	defer first.Close()
	var all []time.Duration
	for range timedOpens {
		began := time.Now()
		again, err := first.Resume(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, time.Since(began))
		if err := again.Close(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (d *desk) timeOrders(ctx context.Context, most int) ([]time.Duration, error) {
	var all []time.Duration
	end := time.Now().Add(maxTiming)
	for len(all) < most && (time.Now().Before(end) || len(all) == 0) {
		began := time.Now()
		if _, err := d.Submit(ctx, limited(order.Buy, "0.01", "40000")); err != nil {
			return nil, err
		}
		all = append(all, time.Since(began))
	}
	n, err := d.MassCancel(ctx, symbol)
	if err == nil && n != len(all) {
		err = fmt.Errorf("%w: a mass cancel ended %d orders, expected %d", ErrUnexpected, n, len(all))
	}
	return all, err
}

// latency records and tells what many of one thing took.
func (s *story) latency(what string, all []time.Duration) {
	slices.Sort(all)
	at := func(percent int) time.Duration { return all[(len(all)-1)*percent/100] }
	p50, p99 := at(50), at(99)
	s.report.Latencies = append(s.report.Latencies, latency{what, len(all), micros(p50), micros(p99)})
	s.line("%-44s %5d times  half in %7s  99%% in %7s", what, len(all), rounded(p50), rounded(p99))
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
