package bench

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/zkkex/zkkex/bench/internal/peers"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/journal/pebblejournal"
	"github.com/zkkex/zkkex/session"
)

// desk is a member who trades at gateways in other processes.
type desk struct {
	dir      string
	command  []string
	member   *member
	exchange *exchange // its keys are those of all gateways
	theirs   *peers.TLS
	slot     uint32
	journals int
	// asked and answered are what an order and its report take, in bytes.
	asked, answered int
}

func (r *runner) newDesk() (d *desk, err error) {
	d = &desk{command: r.options.Gateway}
	if d.member, err = r.prepared(); err != nil {
		return nil, err
	}
	if d.theirs, err = peers.NewTLS(peers.P256); err != nil {
		return nil, err
	}
	if d.dir, err = os.MkdirTemp(r.options.Dir, "zkkex-bench-*"); err != nil {
		return nil, err
	}
	if d.exchange, err = newExchange(d.member, d.dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(d.dir))
	}
	d.asked, d.answered, err = frameSizes()
	return d, err
}

func (d *desk) close() error { return errors.Join(d.exchange.close(), os.RemoveAll(d.dir)) }

// plan is for a gateway whose journal is in memory.
func (d *desk) plan(name string) (orderPlan, error) {
	identity, err := d.theirs.ServerIdentity()
	return orderPlan{
		Name: name, Secrets: d.exchange.secrets, TLS: identity, Admissions: d.dir, Asked: d.asked, Answered: d.answered,
	}, err
}

// newJournal makes a journal on disk.
func (d *desk) newJournal() (string, error) {
	path := filepath.Join(d.dir, fmt.Sprintf("journal%d", d.journals))
	d.journals++
	return path, pebblejournal.Init(path)
}

// certificate returns one of another pseudonym each time.
func (d *desk) certificate() (*session.Certificate, error) {
	d.slot++
	return d.exchange.certificate(d.member, d.slot)
}

// channel opens a channel. The certificate comes with the first message, so that it
// does not matter which of the venue's gateways saw it before.
func (d *desk) channel(ctx context.Context, address string, c *session.Certificate) (*handshake.Conn, error) {
	i, err := handshake.NewInitiator(d.exchange.known(plainSuite), c, handshake.InitiatorOptions{Kind: handshake.Inline})
	if err != nil {
		return nil, err
	}
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	conn, err := handshake.Client(ctx, raw, i, nil)
	if err != nil {
		raw.Close()
		return nil, err
	}
	return conn, nil
}

// client returns a client of the library, whose channels open opens.
func newOrderClient(ctx context.Context, open func(context.Context) (*handshake.Conn, error), keep bool) (*order.Client, error) {
	return order.Dial(ctx, order.Config{
		Secret: order.NewSecret(), State: order.MemoryState(), KeepOrders: keep, NoOwnerKeys: true,
		Open: func(ctx context.Context, _ order.Want) (order.Channel, error) { return open(ctx) },
	})
}

// orderStream is a session without the library's client: one goroutine that writes
// requests and reads reports.
type orderStream struct {
	order.ClientStream
	reports []order.VenueFrame
	prefix  [8]byte
	made    uint64 // IDs
	seqNo   uint64
	last    order.ID // of an order
}

// newOrderStream establishes a session.
func newOrderStream(c order.ClientStream) (*orderStream, error) {
	s := &orderStream{ClientStream: c}
	rand.Read(s.prefix[:]) // never fails
	err := s.WriteRequests([]order.ClientFrame{{Session: &order.Establish{KeepAlive: order.MaxKeepAlive}}})
	if err != nil {
		return nil, err
	}
	if s.reports, err = s.ReadReports(nil); err != nil {
		return nil, err
	}
	ack, ok := s.reports[0].Session.(*order.EstablishmentAck)
	if !ok {
		return nil, fmt.Errorf("the gateway answered with %+v, expected an EstablishmentAck", s.reports[0].Session)
	}
	s.seqNo = ack.NextSeqNo
	return s, nil
}

func (s *orderStream) id() (id order.ID) {
	s.made++
	copy(id[:], s.prefix[:])
	binary.BigEndian.PutUint64(id[8:], s.made)
	return id
}

// frame returns a request with its number.
func (s *orderStream) frame(r order.Request) order.ClientFrame {
	f := order.ClientFrame{SeqNo: s.seqNo, Request: r}
	s.seqNo++
	return f
}

// ask sends one request, and waits for the first report that answers it.
func (s *orderStream) ask(r order.Request) error {
	if err := s.WriteRequests([]order.ClientFrame{s.frame(r)}); err != nil {
		return err
	}
	for {
		var err error
		if s.reports, err = s.ReadReports(s.reports[:0]); err != nil {
			return err
		}
		for _, f := range s.reports {
			if f.Report.Report != nil && f.Report.Report.Answers() == r.RequestID() {
				return accepted(f.Report.Report)
			}
		}
	}
}

// enter enters an order that rests, and waits for its acknowledgement.
func (s *orderStream) enter() error {
	o := restingOrder()
	o.ClOrdID = s.id()
	s.last = o.ClOrdID
	return s.ask(&o)
}

// withdraw cancels the last order.
func (s *orderStream) withdraw() error {
	return s.ask(&order.OrderCancelRequest{ClOrdID: s.id(), OrigClOrdID: s.last})
}

// restingOrder trades with nobody.
func restingOrder() order.NewOrderSingle {
	return order.NewOrderSingle{
		Symbol: "BTC-USD", Side: order.Buy, OrdType: order.Limit, TimeInForce: order.GoodTillDate, TimeToLive: order.MaxTimeToLive,
		OrderQty: order.Decimal{Mantissa: 25, Exponent: -2}, Price: order.Decimal{Mantissa: 6150025, Exponent: -2},
	}
}

// accepted returns an error for a report that refuses something.
func accepted(r order.Report) error {
	if e, ok := r.(*order.ExecutionReport); ok && e.ExecType != order.ExecRejected {
		return nil
	}
	if _, ok := r.(*order.OrderMassCancelReport); ok {
		return nil
	}
	return fmt.Errorf("the gateway answered with %+v", r)
}

// frameSizes returns what an order takes on a stream, and its acknowledgement.
func frameSizes() (asked, answered int, err error) {
	o := restingOrder()
	o.ClOrdID = order.ID{1}
	request, err := order.AppendClientFrame(nil, order.ClientFrame{SeqNo: 1 << 20, Request: &o})
	if err != nil {
		return 0, 0, err
	}
	report, err := order.AppendVenueFrame(nil, order.VenueFrame{Report: order.Numbered{Number: 1 << 20, Report: &order.ExecutionReport{
		OrderID: order.OrderID{1}, ClOrdID: o.ClOrdID, ExecID: order.OrderID{2}, ExecType: order.ExecNew, OrdStatus: order.StatusNew,
		Symbol: o.Symbol, Side: o.Side, OrdType: o.OrdType, OrderQty: o.OrderQty, Price: o.Price, LeavesQty: o.OrderQty,
		TransactTime: time.UnixMilli(1_700_000_000_000), ExpireTime: time.UnixMilli(1_700_086_400_000),
	}}})
	return len(request) + 4, len(report) + 4, err // with the length in front
}
