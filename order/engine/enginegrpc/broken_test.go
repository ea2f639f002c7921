package enginegrpc_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/book"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/engine/enginegrpc"
)

var start = time.UnixMilli(1_750_000_000_000).UTC()

// newOrder is an order whose ID is a number.
func newOrder(n uint64) engine.Command {
	var id order.ID
	binary.BigEndian.PutUint64(id[8:], n)
	s := order.SessionID{Epoch: 1, ID: [16]byte{1}}
	return engine.Command{
		ID: order.NewOrderID(s, id), Session: s, Now: start, Expires: start.Add(time.Minute),
		Request: &order.NewOrderSingle{
			ClOrdID: id, Symbol: "BTC-USD", Side: order.Buy, OrdType: order.Limit, TimeInForce: order.GoodTillDate,
			OrderQty: order.Decimal{Mantissa: 1}, Price: order.Decimal{Mantissa: int64(n%9 + 1)}, TimeToLive: time.Minute,
		},
	}
}

// breaking passes connections on to a socket, and breaks each after so many bytes
// of the server's, each time as many more, so that there is an end to it.
func breaking(t *testing.T, socket string, bytes int64) (address string, broken *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	broken = new(atomic.Int64)
	var group sync.WaitGroup
	group.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer client.Close()
				server, err := net.Dial("unix", strings.TrimPrefix(socket, "unix:"))
				if err != nil {
					return
				}
				defer server.Close()
				group.Go(func() { _, _ = io.Copy(server, client); _ = server.Close() })
				_, _ = io.CopyN(client, server, bytes*(1+broken.Load()))
				broken.Add(1)
			})
		}
	})
	t.Cleanup(group.Wait)
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String(), broken
}

// Connections break again and again: every order is done once, and every event
// arrives once, in order.
func TestBrokenConnections(t *testing.T) {
	b := newBook(t)
	behind := socket(t)
	serve(t, behind, enginegrpc.ServerConfig{Engine: b})
	address, broken := breaking(t, behind, 4000)
	c := dial(t, enginegrpc.Config{Address: address, Patience: time.Minute})

	const workers, each = 4, 50
	done := make(chan error, 1)
	orders := make(map[order.OrderID]int)
	go func() {
		next := uint64(1)
		done <- c.Events(t.Context(), 0, func(events []engine.Event) error {
			for _, e := range events {
				if e.Number != next {
					t.Errorf("event %d comes where %d was expected", e.Number, next)
				}
				next++
				orders[e.Order.ID]++
			}
			if next > workers*each {
				return errEnough
			}
			return nil
		})
	}()
	var group sync.WaitGroup
	for w := range uint64(workers) {
		group.Go(func() {
			for i := range uint64(each) {
				if err := c.Do(t.Context(), []engine.Command{newOrder(1 + w*each + i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if err := <-done; !errors.Is(err, errEnough) {
		t.Fatal(err)
	}
	for id, times := range orders {
		if times != 1 {
			t.Errorf("order %v was done %d times", id, times)
		}
	}
	if len(orders) != workers*each || broken.Load() < 3 {
		t.Errorf("%d orders were done, and %d connections broken", len(orders), broken.Load())
	}
}

var errEnough = errors.New("enough")

// An engine that remembers is stopped, and served again: what was given meanwhile is
// done, and events go on.
func TestEngineComesBack(t *testing.T) {
	b, address := newBook(t), socket(t)
	config := enginegrpc.ServerConfig{Engine: b, Life: [16]byte{1}}
	stop := serve(t, address, config)
	c := dial(t, enginegrpc.Config{Address: address, Patience: time.Minute})
	seen := make(chan uint64, 10)
	go func() {
		_ = c.Events(t.Context(), 0, func(events []engine.Event) error {
			for _, e := range events {
				seen <- e.Number
			}
			return nil
		})
	}()
	if err := c.Do(t.Context(), []engine.Command{newOrder(1)}); err != nil {
		t.Fatal(err)
	}
	if n := <-seen; n != 1 {
		t.Fatalf("event %d", n)
	}
	stop()
	done := make(chan error, 1)
	go func() { done <- c.Do(t.Context(), []engine.Command{newOrder(1), newOrder(2)}) }()
	serve(t, address, config)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := <-seen; n != 2 {
		t.Fatalf("event %d", n)
	}
}

// An engine that was started anew has forgotten: nothing more is given to it.
func TestEngineAnew(t *testing.T) {
	address := socket(t)
	stop := serve(t, address, enginegrpc.ServerConfig{Engine: newBook(t)})
	c := dial(t, enginegrpc.Config{Address: address, Patience: time.Minute})
	stop()
	b := newBook(t)
	serve(t, address, enginegrpc.ServerConfig{Engine: b})
	err := c.Do(t.Context(), []engine.Command{newOrder(1)})
	if !errors.Is(err, engine.ErrForgotten) || !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if err := c.Events(t.Context(), 0, func([]engine.Event) error { return nil }); !errors.Is(err, engine.ErrForgotten) {
		t.Errorf("events: got %v", err)
	}
	if err := b.Restore(nil, 1); err != nil {
		t.Errorf("something was done: %v", err)
	}
}

func TestEngineGone(t *testing.T) {
	address := socket(t)
	stop := serve(t, address, enginegrpc.ServerConfig{Engine: newBook(t)})
	c := dial(t, enginegrpc.Config{Address: address, Patience: time.Second})
	stop()
	if err := c.Do(t.Context(), []engine.Command{newOrder(1)}); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if err := c.Events(t.Context(), 0, func([]engine.Event) error { return nil }); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("events: got %v", err)
	}
	if _, err := enginegrpc.Dial(t.Context(), enginegrpc.Config{Address: address, Patience: time.Millisecond}); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("dial: got %v", err)
	}
}

func TestClosedClient(t *testing.T) {
	address := socket(t)
	serve(t, address, enginegrpc.ServerConfig{Engine: newBook(t)})
	c, err := enginegrpc.Dial(t.Context(), enginegrpc.Config{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- c.Events(t.Context(), 0, func([]engine.Event) error { return nil }) }()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("events: got %v", err)
	}
	if err := c.Do(t.Context(), []engine.Command{newOrder(1)}); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

// Many commands in one call are given in order, and all of them.
func TestManyCommands(t *testing.T) {
	b, address := newBook(t), socket(t)
	serve(t, address, enginegrpc.ServerConfig{Engine: b})
	c := dial(t, enginegrpc.Config{Address: address})
	var commands []engine.Command
	for n := range uint64(2500) {
		commands = append(commands, newOrder(n+1))
	}
	if err := c.Do(t.Context(), commands); err != nil {
		t.Fatal(err)
	}
	n := 0
	err := c.Events(t.Context(), uint64(len(commands)-1000), func(events []engine.Event) error {
		for _, e := range events {
			if e.Command != commands[len(commands)-1000+n].ID {
				t.Fatalf("event %d is of another command", e.Number)
			}
			if n++; n == 1000 {
				return errEnough
			}
		}
		return nil
	})
	if !errors.Is(err, errEnough) {
		t.Fatal(err)
	}
}

// A command that cannot be sent is refused here, whatever else is on its way.
func TestBadCommand(t *testing.T) {
	address := socket(t)
	serve(t, address, enginegrpc.ServerConfig{Engine: newBook(t)})
	c := dial(t, enginegrpc.Config{Address: address})
	for name, change := range map[string]func(*engine.Command){
		"no request": func(c *engine.Command) { c.Request = nil },
		"no ID":      func(c *engine.Command) { c.ID = order.OrderID{} },
		"no session": func(c *engine.Command) { c.Session = order.SessionID{} },
		"no time":    func(c *engine.Command) { c.Now = time.Time{} },
		"reason":     func(c *engine.Command) { c.Reason = 9 },
		"no target":  func(c *engine.Command) { c.Reason = engine.Operator },
		"invalid":    func(c *engine.Command) { c.Request.(*order.NewOrderSingle).Side = 0 },
	} {
		command := newOrder(1)
		change(&command)
		if err := c.Do(t.Context(), []engine.Command{command}); err == nil || errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := c.Do(t.Context(), []engine.Command{newOrder(2)}); err != nil {
		t.Error(err)
	}
}

// lossy leaves events out.
type lossy struct{ *book.Book }

func (l lossy) Events(ctx context.Context, after uint64, take func([]engine.Event) error) error {
	return l.Book.Events(ctx, after, func(events []engine.Event) error { return take(events[1:]) })
}

func TestEventsWithAGap(t *testing.T) {
	b, address := newBook(t), socket(t)
	serve(t, address, enginegrpc.ServerConfig{Engine: lossy{b}})
	c := dial(t, enginegrpc.Config{Address: address})
	if err := c.Do(t.Context(), []engine.Command{newOrder(1), newOrder(2)}); err != nil {
		t.Fatal(err)
	}
	err := c.Events(t.Context(), 0, func([]engine.Event) error { return nil })
	if !errors.Is(err, zkkex.ErrMalformed) || !strings.Contains(err.Error(), "event 2 comes where 1 was expected") {
		t.Errorf("got %v", err)
	}
}

func TestAddresses(t *testing.T) {
	for address, want := range map[string]error{
		"192.0.2.1:9450": enginegrpc.ErrPlain, "engine.example:9450": enginegrpc.ErrPlain, ":9450": enginegrpc.ErrPlain,
		"0.0.0.0:9450": enginegrpc.ErrPlain, "unix:": enginegrpc.ErrAddress, "127.0.0.1": enginegrpc.ErrAddress,
		"": enginegrpc.ErrAddress, "127.0.0.1:": enginegrpc.ErrAddress, "a/b:1": enginegrpc.ErrAddress,
	} {
		if _, err := enginegrpc.Dial(t.Context(), enginegrpc.Config{Address: address}); !errors.Is(err, want) {
			t.Errorf("%q: got %v, expected %v", address, err, want)
		}
	}
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	server := enginegrpc.NewServer(enginegrpc.ServerConfig{Engine: newBook(t)})
	if err := server.Serve(t.Context(), l); !errors.Is(err, enginegrpc.ErrPlain) {
		t.Errorf("a server for everybody: got %v", err)
	}
}

func TestListen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "engine")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	if _, err := enginegrpc.Listen("unix:" + path); err == nil {
		t.Error("a socket in use was replaced")
	}
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := enginegrpc.Listen("unix:" + path)
	if err != nil {
		t.Fatalf("a socket that was left behind: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := enginegrpc.Listen("unix:" + path); err == nil {
		t.Error("a file was replaced")
	}
}
