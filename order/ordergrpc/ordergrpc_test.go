package ordergrpc_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/credentials"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/internal/streamtest"
	"github.com/zkkex/zkkex/internal/venuetest"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/ordergrpc"
	"github.com/zkkex/zkkex/order/orderpb"
)

func listenTCP(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// serveGRPC serves a listener until the test ends.
func serveGRPC(t *testing.T, l net.Listener, serve ordergrpc.ServeFunc, options ...grpc.ServerOption) {
	t.Helper()
	server := ordergrpc.NewServer(serve, options...)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		server.Stop()
		<-done
	})
}

func open(t *testing.T, v *venuetest.Venue, address string) *handshake.Conn {
	t.Helper()
	channel, err := v.Dialer("tcp", address).Open(t.Context(), v.Member(t.Name()).Certificate(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return channel
}

func TestStreamOverChannel(t *testing.T) {
	v := venuetest.New(t.Name())
	streamtest.Run(t, func(t *testing.T, serve streamtest.Serve) order.ClientStream {
		inner := listenTCP(t)
		serveGRPC(t, v.Listen(inner), func(ctx context.Context, s order.Stream, _ ordergrpc.Caller) error { return serve(ctx, s) })
		c, err := ordergrpc.New(t.Context(), open(t, v, inner.Addr().String()))
		if err != nil {
			t.Fatal(err)
		}
		return c
	})
}

// The venue knows the pseudonym, and both ends the binding for proofs.
func TestCaller(t *testing.T) {
	v := venuetest.New(t.Name())
	inner := listenTCP(t)
	callers := make(chan ordergrpc.Caller, 1)
	serveGRPC(t, v.Listen(inner), func(_ context.Context, _ order.Stream, c ordergrpc.Caller) error {
		callers <- c
		return nil
	})
	channel := open(t, v, inner.Addr().String())
	want := channel.ConnectionState().Statement.Nullifier
	binding, err := channel.Export(order.BindingLabel, nil, 32)
	if err != nil {
		t.Fatal(err)
	}
	c, err := ordergrpc.New(t.Context(), channel)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.ReadReports(nil); !errors.Is(err, io.EOF) {
		t.Errorf("the end: %v", err)
	}
	got := <-callers
	if got.State().Statement.Nullifier != want || want == (zkkex.Nullifier{}) {
		t.Errorf("the venue read %v, expected %v", got.State().Statement.Nullifier, want)
	}
	if got.Binding != [32]byte(binding) {
		t.Error("the two ends have different bindings")
	}
	_ = c.Close()
}

// A call in the clear is refused.
func TestPlainConnectionIsRefused(t *testing.T) {
	l := listenTCP(t)
	serve := func(context.Context, order.Stream, ordergrpc.Caller) error {
		t.Error("a call in the clear was served")
		return nil
	}
	serveGRPC(t, l, serve, grpc.Creds(insecure.NewCredentials()))
	conn, err := grpc.NewClient("passthrough:"+l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c, err := ordergrpc.Connect(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.ReadReports(nil); status.Code(err) != codes.Unauthenticated {
		t.Errorf("got %v, expected Unauthenticated", err)
	}
}

// generated connects with the code that protobuf's own tools generate.
func generated(t *testing.T, serve streamtest.Serve) grpc.BidiStreamingClient[orderpb.ClientFrame, orderpb.VenueFrame] {
	t.Helper()
	v := venuetest.New(t.Name())
	inner := listenTCP(t)
	serveGRPC(t, v.Listen(inner), func(ctx context.Context, s order.Stream, _ ordergrpc.Caller) error { return serve(ctx, s) })
	channel := open(t, v, inner.Addr().String())
	conn, err := grpc.NewClient("passthrough:venue", grpc.WithTransportCredentials(credentials.NewClient(nil)),
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) { return channel, nil }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	call, err := orderpb.NewOrdersClient(conn).Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return call
}

func pbOrder(side orderpb.Side) *orderpb.ClientFrame {
	return &orderpb.ClientFrame{SeqNo: 1, Message: &orderpb.ClientFrame_Request{Request: &orderpb.Request{
		Message: &orderpb.Request_NewOrderSingle{NewOrderSingle: &orderpb.NewOrderSingle{
			ClOrdID: []byte("0123456789abcdef"), Symbol: "ACME", Side: side, OrdType: orderpb.OrdType_ORD_TYPE_LIMIT,
			TimeInForce: orderpb.TimeInForce_TIME_IN_FORCE_FILL_OR_KILL,
			OrderQty:    &orderpb.Decimal{Mantissa: 1}, Price: &orderpb.Decimal{Mantissa: 1},
		}},
	}}}
}

// A client of generated code, in whatever language, is understood, refused with a
// type, and goes on.
func TestGeneratedCodeIsUnderstood(t *testing.T) {
	call := generated(t, streamtest.Echo)
	for _, tc := range []struct {
		side   orderpb.Side
		reject bool
	}{{orderpb.Side_SIDE_BUY, false}, {9, true}, {orderpb.Side_SIDE_SELL, false}} {
		if err := call.Send(pbOrder(tc.side)); err != nil {
			t.Fatal(err)
		}
		f, err := call.Recv()
		if err != nil {
			t.Fatal(err)
		}
		reject := f.GetReport().GetBusinessMessageReject()
		if (reject != nil) != tc.reject {
			t.Errorf("side %v was answered with %v", tc.side, f)
		}
		if tc.reject && reject.GetBusinessRejectReason() != orderpb.BusinessRejectReason_BUSINESS_REJECT_REASON_UNSUPPORTED_MESSAGE_TYPE {
			t.Errorf("side %v was refused with %v", tc.side, reject)
		}
	}
}

// What is no message ends the call, and a Terminate says why.
func TestMalformed(t *testing.T) {
	for name, f := range map[string]*orderpb.ClientFrame{
		"empty":    {},
		"short ID": {SeqNo: 1, Message: &orderpb.ClientFrame_Request{Request: &orderpb.Request{Message: &orderpb.Request_OrderMassStatusRequest{OrderMassStatusRequest: &orderpb.OrderMassStatusRequest{ID: []byte("short")}}}}},
		"no SeqNo": {Message: pbOrder(orderpb.Side_SIDE_BUY).Message},
	} {
		t.Run(name, func(t *testing.T) {
			call := generated(t, streamtest.Echo)
			if err := call.Send(f); err != nil {
				t.Fatal(err)
			}
			got, err := call.Recv()
			if err != nil || got.GetTerminate().GetCode() != orderpb.RejectCode_REJECT_CODE_MALFORMED {
				t.Errorf("answered with %v, %v", got, err)
			}
			if _, err := call.Recv(); status.Code(err) != codes.InvalidArgument {
				t.Errorf("the end: %v, expected InvalidArgument", err)
			}
		})
	}
}

// A message that is too long ends the call before it is read.
func TestTooLong(t *testing.T) {
	got := make(chan error, 1)
	call := generated(t, func(_ context.Context, s order.Stream) error {
		_, err := s.ReadRequests(nil)
		got <- err
		return err
	})
	symbol := string(make([]byte, order.MaxFrame))
	f := &orderpb.ClientFrame{Message: &orderpb.ClientFrame_Establish{Establish: &orderpb.Establish{KeepAlive: 1000, Quotes: []string{symbol}}}}
	if err := call.Send(f); err != nil {
		t.Fatal(err)
	}
	if _, err := call.Recv(); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("the end: %v, expected ResourceExhausted", err)
	}
	if err := <-got; !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("the venue read %v, expected ErrMalformed", err)
	}
}
