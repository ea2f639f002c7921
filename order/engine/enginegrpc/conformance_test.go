package enginegrpc_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/book"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/engine/enginegrpc"
	"github.com/zkkex/zkkex/order/engine/enginetest"
)

var instruments = []order.Instrument{{
	Symbol: "BTC-USD", TickSize: order.Decimal{Mantissa: 1, Exponent: -2}, LotSize: order.Decimal{Mantissa: 1, Exponent: -4},
	MinQty: order.Decimal{Mantissa: 2, Exponent: -4}, MaxQty: order.Decimal{Mantissa: 1, Exponent: 3},
}}

func newBook(t *testing.T) *book.Book {
	t.Helper()
	b, err := book.New(instruments, book.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// serve serves an engine until the returned function is called, or the test ends.
func serve(t *testing.T, address string, c enginegrpc.ServerConfig) (stop func()) {
	t.Helper()
	l, err := enginegrpc.Listen(address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- enginegrpc.NewServer(c).Serve(ctx, l) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

func dial(t *testing.T, c enginegrpc.Config) *enginegrpc.Client {
	t.Helper()
	client, err := enginegrpc.Dial(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

func socket(t *testing.T) string { return "unix:" + filepath.Join(t.TempDir(), "engine") }

func TestConformance(t *testing.T) {
	enginetest.Run(t, func() engine.Engine {
		address := socket(t)
		serve(t, address, enginegrpc.ServerConfig{Engine: newBook(t)})
		return dial(t, enginegrpc.Config{Address: address})
	})
}
