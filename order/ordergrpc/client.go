package ordergrpc

import (
	"context"
	"errors"
	"net"
	"time"

	"google.golang.org/grpc"

	"github.com/zkkex/zkkex/credentials"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/order"
)

// parting is how long a client waits, when it closes, for the venue to end the
// call.
const parting = 5 * time.Second

// Connect begins a call on a gRPC connection, and returns the client's end. The
// stream ends with ctx.
func Connect(ctx context.Context, conn grpc.ClientConnInterface) (order.ClientStream, error) {
	ctx, cancel := context.WithCancel(ctx)
	call, err := conn.NewStream(ctx, &description.Streams[0], Method,
		grpc.ForceCodecV2(newCodec()), grpc.MaxCallRecvMsgSize(order.MaxFrame))
	if err != nil {
		cancel()
		return nil, err
	}
	return &clientStream{stream: newStream(call), call: call, cancel: cancel}, nil
}

// New begins a call over one channel, and returns the client's end. Closing it
// closes the channel as well.
func New(ctx context.Context, channel *handshake.Conn) (order.ClientStream, error) {
	once := make(chan net.Conn, 1)
	once <- channel
	conn, err := grpc.NewClient("passthrough:venue",
		grpc.WithTransportCredentials(credentials.NewClient(nil)),
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) {
			select {
			case c := <-once:
				return c, nil
			default:
				return nil, errUsed
			}
		}))
	if err != nil {
		return nil, err
	}
	s, err := Connect(ctx, conn)
	if err != nil {
		return nil, errors.Join(err, conn.Close(), channel.Close())
	}
	s.(*clientStream).conn = conn
	return s, nil
}

var errUsed = errors.New("the channel was used: open another")

// clientStream is an [order.ClientStream].
type clientStream struct {
	*stream
	call    grpc.ClientStream
	cancel  context.CancelFunc
	conn    *grpc.ClientConn // closed as well, if not nil
	pending error
}

func (c *clientStream) ReadReports(dst []order.VenueFrame) ([]order.VenueFrame, error) {
	return read(c.stream, &c.pending, dst, order.ParseVenueFrame)
}

func (c *clientStream) WriteRequests(frames []order.ClientFrame) error {
	return write(c.stream, frames, order.AppendClientFrame)
}

// Close ends the call after what was written: the venue reads all of it, and ends
// the call in turn. One that does not in time is left.
func (c *clientStream) Close() error {
	c.close()
	late := time.AfterFunc(parting, c.cancel)
	defer late.Stop()
	err := c.closeSend()
	for range c.received { // until receiving has ended
	}
	c.cancel()
	if c.conn != nil {
		err = errors.Join(err, c.conn.Close())
	}
	return err
}

// closeSend says that nothing follows, after a write that is under way.
func (c *clientStream) closeSend() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.call.CloseSend()
}
