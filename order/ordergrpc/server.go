package ordergrpc

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/credentials"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/order"
)

// window is how many bytes a client can send that were not read, beyond those of
// frames received ahead. Set, it does not grow.
const window = 1 << 17

// idle is how long a connection can be without a call.
const idle = 10 * time.Second

// Caller is who calls.
type Caller struct {
	// State returns the present state of the channel, whose Statement has the
	// pseudonym; it changes when the member renews.
	State func() handshake.ConnectionState
	// Binding is what proofs of orders on this channel are bound to, see
	// [order.BindingLabel].
	Binding [32]byte
}

// ServeFunc serves one connection of a session. The call ends, and ctx with it, when
// it returns or closes the stream.
type ServeFunc func(ctx context.Context, s order.Stream, c Caller) error

// NewServer returns a gRPC server with the service. Its listener's connections are
// channels; see [credentials.NewServer]. A call that comes another way is refused.
// Options that set credentials or codecs are not for it.
func NewServer(serve ServeFunc, options ...grpc.ServerOption) *grpc.Server {
	options = append([]grpc.ServerOption{
		grpc.Creds(credentials.NewServer(nil)),
		grpc.ForceServerCodecV2(newCodec()),
		grpc.MaxRecvMsgSize(order.MaxFrame),
		grpc.InitialWindowSize(window), grpc.InitialConnWindowSize(window),
		// One call is one connection of a session: more would be other sessions'.
		grpc.MaxConcurrentStreams(1),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: idle}),
	}, options...)
	s := grpc.NewServer(options...)
	s.RegisterService(&description, serve)
	return s
}

// connect is the method's handler. Nothing but its return ends the call, and with it
// a read or a write that waits for the client: so it does not wait for serve once
// the stream is closed.
func connect(srv any, call grpc.ServerStream) error {
	ctx := call.Context()
	c, err := caller(ctx)
	if err != nil {
		return err
	}
	v := &venueStream{stream: newStream(call)}
	defer v.close()
	served := make(chan error, 1)
	go func() { served <- srv.(ServeFunc)(ctx, v, c) }()
	select {
	case <-v.closed:
		return nil
	case err := <-served:
		return callStatus(err)
	}
}

// caller returns who calls, over a channel.
func caller(ctx context.Context) (Caller, error) {
	p, _ := peer.FromContext(ctx)
	if p == nil {
		return Caller{}, errNoChannel
	}
	info, ok := p.AuthInfo.(credentials.AuthInfo)
	if !ok {
		return Caller{}, errNoChannel
	}
	binding, err := info.Export(order.BindingLabel, nil, 32)
	if err != nil {
		return Caller{}, status.Error(codes.Unavailable, "the channel is over")
	}
	return Caller{State: info.State, Binding: [32]byte(binding)}, nil
}

var errNoChannel = status.Error(codes.Unauthenticated, "orders are taken over zkkex channels only")

// callStatus is how a call ends. The session layer has said why, in a Terminate.
func callStatus(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, zkkex.ErrMalformed):
		return status.Error(codes.InvalidArgument, "a message is malformed")
	}
	return status.Error(codes.Aborted, "the connection has ended")
}

// venueStream is an [order.Stream].
type venueStream struct {
	*stream
	pending error
}

func (v *venueStream) ReadRequests(dst []order.ClientFrame) ([]order.ClientFrame, error) {
	return read(v.stream, &v.pending, dst, order.ParseClientFrame)
}

func (v *venueStream) WriteReports(frames []order.VenueFrame) error {
	return write(v.stream, frames, order.AppendVenueFrame)
}

// Close ends the call, after what was written. Reads and writes fail from now on.
func (v *venueStream) Close() error {
	v.close()
	return nil
}
