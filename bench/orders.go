package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"time"

	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/ordergrpc"
	"github.com/zkkex/zkkex/order/orderws"
)

// Limits from an order to its acknowledgement.
const (
	orderRatioLimit = 1.15 // to mutual TLS
	orderEchoLimit  = 5.0  // times a raw echo
	orderTimeLimit  = 60 * time.Microsecond
)

const (
	// orderRate is how many orders are entered in a second, and as many cancelled
	// in between; durableRate with a journal on disk.
	orderRate   = 2_000
	durableRate = 100
	// orderTurn is how long one contestant has its turn.
	orderTurn  = time.Second
	orderQuick = 100 * time.Millisecond
)

// Names of contestants.
const (
	viaEcho    = "raw echo of the same sizes"
	viaTCP     = "plain TCP"
	viaTLS     = "mutual TLS 1.3"
	viaZkkex   = "zkkex"
	viaClient  = "zkkex, the library's client"
	viaGRPC    = "zkkex, gRPC"
	viaJSON    = "zkkex, JSON on a WebSocket"
	viaDurable = ", journal on disk"
)

// caller enters orders and cancels them, one at a time.
type caller struct {
	name     string
	rate     int
	enter    func() error
	withdraw func() error
	close    func() error
	took     []int64 // nanoseconds from when an order was due until it was acknowledged
	p99      []int64 // of each turn
}

// orders measures the time from an order to its acknowledgement, at a rate that is
// held whatever the answers take.
func (r *runner) orders(ctx context.Context) (err error) {
	d, err := r.newDesk()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	memory, err := d.start(ctx, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, memory.stop()) }()
	path, err := d.newJournal()
	if err != nil {
		return err
	}
	disk, err := d.start(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, disk.stop()) }()
	callers, err := d.callers(ctx, memory, disk)
	for _, c := range callers {
		defer c.close()
	}
	if err != nil {
		return err
	}
	turn := orderTurn
	if r.options.Quick {
		turn = orderQuick
	}
	r.progress(Orders, "%d rounds of %d kinds, %v each", r.options.rounds(), len(callers), turn)
	if err := takeTurns(ctx, r.options.rounds(), turn, callers); err != nil {
		return err
	}
	r.judgeOrders(callers)
	return nil
}

// start starts a gateway; without a folder, its journal is in memory.
func (d *desk) start(ctx context.Context, journal string) (*orderProcess, error) {
	plan, err := d.plan("a")
	if err != nil {
		return nil, err
	}
	plan.Journal = journal
	return startOrders(ctx, d.command, plan)
}

// callers connect in all ways to a gateway with a journal in memory, and in two to
// one with its journal on disk.
func (d *desk) callers(ctx context.Context, memory, disk *orderProcess) (out []*caller, err error) {
	fast := func(_ context.Context, c *handshake.Conn) (order.ClientStream, error) {
		return order.NewClientStream(c), nil
	}
	for _, c := range []struct {
		name string
		rate int
		make func() (*caller, error)
	}{
		{viaEcho, orderRate, func() (*caller, error) { return d.echoCaller(memory.at.Echo) }},
		{viaTCP, orderRate, func() (*caller, error) { return d.plainCaller(memory.at.TCP, nil) }},
		{viaTLS, orderRate, func() (*caller, error) { return d.plainCaller(memory.at.TLS, d.theirs.Client) }},
		{viaZkkex, orderRate, func() (*caller, error) { return d.channelCaller(ctx, memory.at.Channel, fast) }},
		{viaClient, orderRate, func() (*caller, error) { return d.clientCaller(ctx, memory.at.Channel) }},
		{viaGRPC, orderRate, func() (*caller, error) { return d.channelCaller(ctx, memory.at.Channel, ordergrpc.New) }},
		{viaJSON, orderRate, func() (*caller, error) { return d.channelCaller(ctx, memory.at.Channel, webSocket) }},
		{viaTLS + viaDurable, durableRate, func() (*caller, error) { return d.plainCaller(disk.at.TLS, d.theirs.Client) }},
		{viaZkkex + viaDurable, durableRate, func() (*caller, error) { return d.channelCaller(ctx, disk.at.Channel, fast) }},
	} {
		one, err := c.make()
		if err != nil {
			return out, fmt.Errorf("%s: %w", c.name, err)
		}
		one.name, one.rate = c.name, c.rate
		out = append(out, one)
	}
	return out, nil
}

func webSocket(ctx context.Context, c *handshake.Conn) (order.ClientStream, error) {
	return orderws.New(ctx, c)
}

// echoCaller sends and receives as many bytes as an order and its report have.
func (d *desk) echoCaller(address string) (*caller, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	question, answer := make([]byte, d.asked), make([]byte, d.answered)
	ask := func() error {
		if _, err := conn.Write(question); err != nil {
			return err
		}
		_, err := io.ReadFull(conn, answer)
		return err
	}
	return &caller{enter: ask, withdraw: ask, close: conn.Close}, nil
}

func (d *desk) plainCaller(address string, secure func(net.Conn) (net.Conn, error)) (*caller, error) {
	stream, err := d.dial(address, secure)
	if err != nil {
		return nil, err
	}
	return streamCaller(stream)
}

// dial opens a stream on a connection that secure, unless nil, makes of a raw one.
func (d *desk) dial(address string, secure func(net.Conn) (net.Conn, error)) (order.ClientStream, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	if secure != nil {
		secured, err := secure(conn)
		if err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		conn = secured
	}
	return order.NewClientStream(conn), nil
}

func (d *desk) channelCaller(ctx context.Context, address string, speak func(context.Context, *handshake.Conn) (order.ClientStream, error)) (*caller, error) {
	conn, err := d.openChannel(ctx, address)
	if err != nil {
		return nil, err
	}
	stream, err := speak(ctx, conn)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return streamCaller(stream)
}

func streamCaller(c order.ClientStream) (*caller, error) {
	s, err := newOrderStream(c)
	if err != nil {
		c.Close()
		return nil, err
	}
	return &caller{enter: s.enter, withdraw: s.withdraw, close: s.Close}, nil
}

// clientCaller is who uses the library as it is meant to be used.
func (d *desk) clientCaller(ctx context.Context, address string) (*caller, error) {
	c, err := d.certificate()
	if err != nil {
		return nil, err
	}
	client, err := newOrderClient(ctx, func(ctx context.Context) (*handshake.Conn, error) { return d.channel(ctx, address, c) }, false)
	if err != nil {
		return nil, err
	}
	var last *order.Order
	return &caller{
		enter: func() (err error) {
			last, err = client.Submit(ctx, restingOrder())
			return err
		},
		withdraw: func() error {
			_, err := client.Cancel(ctx, last.ID())
			return err
		},
		close: client.Close,
	}, nil
}

// takeTurns lets callers enter orders, each in its turn, in one direction and the
// next round in the other. The first round warms up.
func takeTurns(ctx context.Context, rounds int, turn time.Duration, callers []*caller) error {
	for round := range rounds + 1 {
		for i := range callers {
			if round%2 == 1 {
				i = len(callers) - 1 - i
			}
			c := callers[i]
			if err := ctx.Err(); err != nil {
				return err
			}
			took, err := c.turn(int(int64(c.rate) * int64(turn) / int64(time.Second)))
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if round > 0 {
				c.took = append(c.took, took...)
				c.p99 = append(c.p99, percentile(took, 99))
			}
		}
	}
	return nil
}

// turn enters n orders, each when it is due, or as soon after as the answers before
// allow; its time counts from when it was due, so that one late answer makes those
// late that had to wait for it. Halfway to the next it is cancelled.
func (c *caller) turn(n int) ([]int64, error) {
	took, slot := make([]int64, 0, n), time.Second/time.Duration(2*c.rate)
	runtime.GC()
	start := time.Now().Add(slot)
	for i := range n {
		due := start.Add(time.Duration(2*i) * slot)
		await(due)
		if err := c.enter(); err != nil {
			return nil, err
		}
		took = append(took, time.Since(due).Nanoseconds())
		await(due.Add(slot))
		if err := c.withdraw(); err != nil {
			return nil, err
		}
	}
	return took, nil
}

// sleepless is how long before it is due a caller stops to sleep: timers are not
// exact.
const sleepless = time.Millisecond

// await returns at a time, to the microsecond if the machine is not busy.
func await(due time.Time) {
	if d := time.Until(due); d > sleepless {
		time.Sleep(d - sleepless)
	}
	for time.Now().Before(due) {
	}
}

// judgeOrders adds what was measured, and the targets. The ratio at p99 is that of
// the turns that have half of the others above them: over all turns, p99 tells whose
// turn it was when the machine was busy with something else.
func (r *runner) judgeOrders(callers []*caller) {
	of, tail := make(map[string]Latency), make(map[string]int64)
	for _, c := range callers {
		tail[c.name] = percentile(c.p99, 50)
		l := summariseLatency(Orders, c.name, c.rate, c.took)
		of[c.name] = l
		r.report.Latencies = append(r.report.Latencies, l)
	}
	ours, theirs := of[viaZkkex], of[viaTLS]
	r.report.target("order to acknowledgement, zkkex / mutual TLS, p50", float64(ours.P50)/float64(theirs.P50), wallRatio, orderRatioLimit)
	r.report.target("order to acknowledgement, zkkex / mutual TLS, p99 of the median turn", float64(tail[viaZkkex])/float64(tail[viaTLS]), wallRatio, orderRatioLimit)
	r.report.target("order to acknowledgement, zkkex / a raw echo, p50", float64(ours.P50)/float64(of[viaEcho].P50), wallRatio, orderEchoLimit)
	r.report.target("order to acknowledgement, zkkex, in memory, p50", time.Duration(ours.P50).Seconds(), "seconds", orderTimeLimit.Seconds())
}

func summariseLatency(part Part, name string, rate int, took []int64) Latency {
	sorted := slices.Sorted(slices.Values(took))
	at := func(permille int) int64 { return sorted[max((permille*len(sorted)+999)/1000-1, 0)] }
	return Latency{Part: part, Name: name, Rate: rate, Orders: len(took), P50: at(500), P90: at(900), P99: at(990), P999: at(999), Max: sorted[len(sorted)-1]}
}
