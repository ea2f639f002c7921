package orderws

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/coder/websocket"

	"github.com/zkkex/zkkex/order"
)

var errUsed = errors.New("the connection was used: open another")

// New does the WebSocket handshake on a connection, and returns the client's end of
// the stream. ctx is for the handshake only.
func New(ctx context.Context, conn net.Conn) (order.ClientStream, error) {
	once := make(chan net.Conn, 1)
	once <- conn
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		select {
		case c := <-once:
			return c, nil
		default:
			return nil, errUsed
		}
	}}
	options := &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}}
	ws, _, err := websocket.Dial(ctx, "ws://venue"+Path, options)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &clientStream{newStream(context.WithoutCancel(ctx), ws)}, nil
}

// clientStream is an [order.ClientStream].
type clientStream struct{ *stream }

func (c *clientStream) ReadReports(dst []order.VenueFrame) ([]order.VenueFrame, error) {
	return read(c.stream, dst, order.ParseVenueFrameJSON)
}

func (c *clientStream) WriteRequests(frames []order.ClientFrame) error {
	return write(c.stream, frames, order.AppendClientFrameJSON)
}
