package orderws_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/streamtest"
	"github.com/zkkex/zkkex/internal/venuetest"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/orderws"
)

// serveHTTP serves a listener until the test ends.
func serveHTTP(t *testing.T, l net.Listener, serve orderws.ServeFunc) {
	t.Helper()
	server := &http.Server{Handler: orderws.Handler(serve), ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
}

func listenTCP(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestStreamOverChannel(t *testing.T) {
	v := venuetest.New(t.Name())
	streamtest.Run(t, func(t *testing.T, serve streamtest.Serve) order.ClientStream {
		inner := listenTCP(t)
		serveHTTP(t, v.Listen(inner), orderws.ServeFunc(serve))
		channel, err := v.Dialer("tcp", inner.Addr().String()).Open(t.Context(), v.Member(t.Name()).Certificate(), nil)
		if err != nil {
			t.Fatal(err)
		}
		c, err := orderws.New(t.Context(), channel)
		if err != nil {
			t.Fatal(err)
		}
		return c
	})
}

// script connects as a program would that knows nothing of this module.
func script(t *testing.T, serve orderws.ServeFunc, header http.Header) (*websocket.Conn, error) {
	t.Helper()
	l := listenTCP(t)
	serveHTTP(t, l, serve)
	c, _, err := websocket.Dial(t.Context(), "ws://"+l.Addr().String()+orderws.Path, &websocket.DialOptions{HTTPHeader: header})
	if err == nil {
		t.Cleanup(func() { _ = c.CloseNow() })
	}
	return c, err
}

func say(t *testing.T, c *websocket.Conn, text string) string {
	t.Helper()
	if err := c.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
	_, answer, err := c.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// A script that sends a bad order is told why, and goes on.
func TestScriptIsToldWhy(t *testing.T) {
	c, err := script(t, streamtest.Echo, nil)
	if err != nil {
		t.Fatal(err)
	}
	good := `{"SeqNo": 1, "NewOrderSingle": {"ClOrdID": "00000000000000000000000000000001", "Symbol": "ACME", "Side": "1",
		"OrdType": "2", "TimeInForce": "3", "OrderQty": "50", "Price": "101.25"}}`
	answer := say(t, c, good)
	if want := `{"Number":1,"ExecutionReport":{"ClOrdID":"00000000000000000000000000000001","ExecType":"0","OrdStatus":"0"}}`; answer != want {
		t.Errorf("answered %s, expected %s", answer, want)
	}
	for _, tc := range [][2]string{
		{strings.Replace(good, `"Side": "1"`, `"Side": "7"`, 1), `"BusinessRejectReason":3,"Text":"Side (54)`},
		{strings.Replace(good, `"50"`, `"-50"`, 1), `"OrdRejReason":13,"Text":"OrderQty (38)`},
		{strings.Replace(good, "NewOrderSingle", "NewOrderList", 1), `"BusinessRejectReason":3,"Text":"message \"NewOrderList\"`},
		{good, `"ExecType":"0"`},
	} {
		if answer := say(t, c, tc[0]); !strings.Contains(answer, tc[1]) {
			t.Errorf("%s\nwas answered with %s, expected %s", tc[0], answer, tc[1])
		}
	}
	if answer := say(t, c, `{"SeqNo":9,"NewOrderSingle":{"Sidd":"1"}}`); answer != `{"Terminate":{"Code":2}}` {
		t.Errorf("an unknown member was answered with %s", answer)
	}
}

// outcome serves one read, and tells how it ended.
func outcome(got chan<- error) orderws.ServeFunc {
	return func(_ context.Context, s order.Stream) error {
		_, err := s.ReadRequests(nil)
		got <- err
		return err
	}
}

func TestWhatIsNoFrame(t *testing.T) {
	for name, tc := range map[string]struct {
		send func(c *websocket.Conn) error
		want error
	}{
		"binary": {func(c *websocket.Conn) error { return c.Write(t.Context(), websocket.MessageBinary, []byte(`{}`)) }, zkkex.ErrMalformed},
		"too long": {func(c *websocket.Conn) error {
			return c.Write(t.Context(), websocket.MessageText, []byte(strings.Repeat(" ", order.MaxFrame+1)))
		}, zkkex.ErrMalformed},
		"not JSON":  {func(c *websocket.Conn) error { return c.Write(t.Context(), websocket.MessageText, []byte(`order`)) }, zkkex.ErrMalformed},
		"cut":       {func(c *websocket.Conn) error { return c.CloseNow() }, io.ErrUnexpectedEOF},
		"closed":    {func(c *websocket.Conn) error { return c.Close(websocket.StatusNormalClosure, "") }, io.EOF},
		"page gone": {func(c *websocket.Conn) error { return c.Close(websocket.StatusGoingAway, "") }, io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			got := make(chan error, 1)
			c, err := script(t, outcome(got), nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = tc.send(c) // the venue may have closed first
			if err := <-got; !errors.Is(err, tc.want) {
				t.Errorf("the venue read %v, expected %v", err, tc.want)
			}
		})
	}
}

// A page of another origin cannot trade through somebody's tunnel.
func TestOriginIsChecked(t *testing.T) {
	if _, err := script(t, streamtest.Echo, http.Header{"Origin": {"https://elsewhere.example"}}); err == nil {
		t.Error("a page of another origin was served")
	}
}

// A page whose own name was made to mean the tunnel's address cannot trade either,
// though its origin is what it connects to.
func TestRebindingIsRefused(t *testing.T) {
	l := listenTCP(t)
	serveHTTP(t, l, streamtest.Echo)
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for host, served := range map[string]bool{
		"elsewhere.example:" + port: false, "127.0.0.1.elsewhere.example:" + port: false, "elsewhere.example": false,
		"127.0.0.1:" + port: true, "[::1]:" + port: true, "localhost:" + port: true,
	} {
		c, _, err := websocket.Dial(t.Context(), "ws://"+l.Addr().String()+orderws.Path, &websocket.DialOptions{
			Host: host, HTTPHeader: http.Header{"Origin": {"http://" + host}},
		})
		if err == nil {
			_ = c.CloseNow()
		}
		if (err == nil) != served {
			t.Errorf("a page at %s: %v; expected it served: %v", host, err, served)
		}
	}
}

func TestPath(t *testing.T) {
	l := listenTCP(t)
	serveHTTP(t, l, streamtest.Echo)
	r, err := http.Get("http://" + l.Addr().String() + "/orders")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if body, _ := io.ReadAll(r.Body); r.StatusCode != http.StatusNotFound || !strings.Contains(string(body), orderws.Path) {
		t.Errorf("%d %s", r.StatusCode, body)
	}
}
