package failovertest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine/enginegrpc"
	"github.com/zkkex/zkkex/order/gateway"
	"github.com/zkkex/zkkex/order/journal"
	"github.com/zkkex/zkkex/order/journal/pebblejournal"
	"github.com/zkkex/zkkex/order/journal/pgjournal"
)

// Programs that are killed: a gateway, and a member's client. Between them is a
// plain connection that begins with a pseudonym, so that what is killed is what
// keeps orders, thousands of times in minutes.

// journalEnv says where a gateway's journal is: a folder, or a database.
const journalEnv = "ZKKEX_TEST_JOURNAL"

// endWithTest ends a victim whose test has ended, however that was.
func endWithTest() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // a pipe that only ends
		os.Exit(0)
	}()
}

// victimGateway serves clients on a Unix socket. Its arguments are its name, the
// engine's address and the socket.
func victimGateway() {
	endWithTest()
	name, address, socket := os.Args[1], os.Args[2], os.Args[3]
	ctx := context.Background()
	store, err := openJournal(ctx)
	orExit(err)
	e, err := enginegrpc.Dial(ctx, enginegrpc.Config{Address: address})
	orExit(err)
	g, err := gateway.Open(ctx, gateway.Config{Engine: e, Store: store, Name: name})
	orExit(err)
	if err := os.Remove(socket); !errors.Is(err, os.ErrNotExist) {
		orExit(err)
	}
	l, err := net.Listen("unix", socket)
	orExit(err)
	go func() { orExit(g.Run(ctx)) }()
	fmt.Println("ready")
	for {
		c, err := l.Accept()
		orExit(err)
		go func() {
			defer c.Close()
			var pseudonym, binding [32]byte
			if _, err := io.ReadFull(c, pseudonym[:]); err != nil {
				return
			}
			if _, err := io.ReadFull(c, binding[:]); err != nil {
				return
			}
			_ = g.Serve(ctx, order.NewStream(c), gateway.Peer{Session: order.NewSessionID(1, pseudonym[:]), Binding: binding})
		}()
	}
}

func openJournal(ctx context.Context) (journal.Store, error) {
	at := os.Getenv(journalEnv)
	if strings.Contains(at, "://") {
		return pgjournal.Open(ctx, at, pgjournal.Options{})
	}
	return pebblejournal.Open(at)
}

func orExit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// plain is a connection with a pseudonym.
type plain struct {
	net.Conn
	pseudonym, binding [32]byte
}

func (c *plain) ConnectionState() handshake.ConnectionState {
	return handshake.ConnectionState{Statement: zkkex.Statement{Nullifier: c.pseudonym}}
}

func (c *plain) Export(string, []byte, int) ([]byte, error) { return c.binding[:], nil }

// victimClient enters orders, each with a quantity of its own, and writes down what
// it is about to do and what it was told:
//
//	S QUANTITY            it is about to submit
//	A QUANTITY ORDER      it was acknowledged
//	R NUMBER EXEC         it was told a report
//
// Its arguments are the gateways' sockets, its state, secret, log, the first
// quantity, and its grace.
func victimClient() {
	endWithTest()
	sockets, state, secret, log := strings.Split(os.Args[1], ","), os.Args[2], os.Args[3], os.Args[4]
	first, err := strconv.ParseInt(os.Args[5], 10, 64)
	orExit(err)
	grace, err := time.ParseDuration(os.Args[6])
	orExit(err)
	var key [order.SecretSize]byte
	_, err = hex.Decode(key[:], []byte(secret))
	orExit(err)
	s, err := order.ParseSecret(key)
	orExit(err)
	kept, err := order.OpenState(state, s)
	orExit(err)
	out, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	orExit(err)
	ctx := context.Background()
	config := order.Config{Secret: s, State: kept, WriteAhead: true, Grace: grace, Open: func(ctx context.Context, _ order.Want) (order.Channel, error) {
		return dialAny(ctx, sockets, key)
	}}
	c, err := order.Dial(ctx, config)
	for err != nil { // no gateway is there
		fmt.Fprintln(os.Stderr, "dial:", err)
		time.Sleep(5 * time.Millisecond)
		c, err = order.Dial(ctx, config)
	}
	fmt.Println("ready")
	go enter(ctx, c, out, first)
	for {
		r, err := c.Next(ctx)
		orExit(err)
		if e, ok := r.Report.(*order.ExecutionReport); ok {
			note(out, "R %d %s", r.Number, e.ExecID)
		}
	}
}

// dialAny connects to the first gateway that is there. The pseudonym is the secret's
// own, for as long as the test lasts.
func dialAny(ctx context.Context, sockets []string, pseudonym [32]byte) (order.Channel, error) {
	var errs []error
	for _, s := range sockets {
		c, err := new(net.Dialer).DialContext(ctx, "unix", s)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		p := &plain{Conn: c, pseudonym: pseudonym}
		rand.Read(p.binding[:]) // never fails
		if _, err := c.Write(append(p.pseudonym[:], p.binding[:]...)); err != nil {
			errs = append(errs, err, c.Close())
			continue
		}
		return p, nil
	}
	return nil, errors.Join(errs...)
}

// enough is what a file is called beside the log that ends the entering of orders.
const enough = ".enough"

// enter submits orders, a few at a time, until there are enough.
func enter(ctx context.Context, c *order.Client, out *os.File, first int64) {
	var mu sync.Mutex
	next := func() int64 {
		mu.Lock()
		defer mu.Unlock()
		first++
		return first - 1
	}
	const together = 4
	for range together {
		go func() {
			for {
				if _, err := os.Stat(out.Name() + enough); err == nil {
					return
				}
				quantity := next()
				note(out, "S %d", quantity)
				amount, err := order.ParseDecimal(strconv.FormatInt(quantity, 10))
				orExit(err)
				o, err := c.Submit(ctx, order.NewOrderSingle{
					Symbol: "A/B", Side: order.Buy, OrdType: order.Limit, TimeInForce: order.GoodTillDate, TimeToLive: time.Hour,
					OrderQty: amount, Price: order.Decimal{Mantissa: 91},
				})
				if err != nil {
					fmt.Fprintln(os.Stderr, "submit:", err)
				} else {
					note(out, "A %d %s", quantity, o.State().OrderID)
				}
				time.Sleep(time.Millisecond)
			}
		}()
	}
}

// note writes a line with one call: it is there, or it is not.
func note(out io.Writer, format string, args ...any) {
	_, err := fmt.Fprintf(out, format+"\n", args...)
	orExit(err)
}
