package enginegrpc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/engine/enginegrpc/enginepb"
)

// DefaultPatience is [Config.Patience] if that is 0.
const DefaultPatience = 5 * time.Second

// retry is the time between two tries.
const retry = 20 * time.Millisecond

// Config says where an engine is.
type Config struct {
	// Address is unix:PATH or HOST:PORT.
	Address string
	// Credentials of TLS, with the gateway's certificate; nil for plain connections
	// on this machine.
	Credentials credentials.TransportCredentials
	// Patience is how long an engine that cannot be reached is tried, before a
	// caller is told; 5 s if 0.
	Patience time.Duration
}

// Client is an engine in another process. It is safe for concurrent use.
type Client struct {
	conn        *grpc.ClientConn
	rpc         enginepb.EngineClient
	patience    time.Duration
	life        []byte
	instruments []order.Instrument

	calls   chan *call
	ctx     context.Context // ends with Close
	close   context.CancelFunc
	stopped chan struct{}
}

var _ engine.Engine = (*Client)(nil)

// Dial connects to an engine, and asks what it trades. Its error wraps [ErrAddress],
// [ErrPlain], [ErrRefused] or engine.ErrUnavailable.
func Dial(ctx context.Context, config Config) (*Client, error) {
	network, in, err := split(config.Address)
	if err != nil {
		return nil, err
	}
	transport := config.Credentials
	if transport == nil {
		if err := checkPlainTarget(config.Address); err != nil {
			return nil, err
		}
		transport = insecure.NewCredentials()
	}
	target := "dns:///" + in
	if network == "unix" {
		target = "unix:" + in
	}
	conn, err := grpc.NewClient(target, dialOptions(transport)...)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w: %w", config.Address, ErrAddress, err)
	}
	c := &Client{
		conn: conn, rpc: enginepb.NewEngineClient(conn),
		patience: cmp.Or(config.Patience, DefaultPatience),
		calls:    make(chan *call), stopped: make(chan struct{}),
	}
	if err := c.describe(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	c.ctx, c.close = context.WithCancel(context.Background())
	go c.send()
	return c, nil
}

func dialOptions(transport credentials.TransportCredentials) []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithNoProxy(),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableRetry(), // the client gives commands again itself
		grpc.WithDefaultCallOptions(
			grpc.WaitForReady(true), grpc.ForceCodec(strictCodec{}),
			grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage),
		),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: retry, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: 2 * time.Second,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: 2 * aliveAfter, Timeout: aliveUntil, PermitWithoutStream: true,
		}),
	}
}

// describe asks what the engine trades, and what its life is called.
func (c *Client) describe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	d, err := c.rpc.Describe(ctx, &enginepb.DescribeRequest{})
	if err != nil {
		cause, _ := fromStatus(err)
		return cause
	}
	if len(d.Life) != 16 || len(d.Instruments) == 0 || len(d.Instruments) > order.MaxInstruments {
		return malformed("expected a life of 16 bytes, and 1 to %d instruments", order.MaxInstruments)
	}
	var read decoder
	for _, i := range d.Instruments {
		c.instruments = append(c.instruments, order.Instrument{
			Symbol:   read.symbol(i.Symbol),
			TickSize: read.decimal("TickSize", i.TickSize), LotSize: read.decimal("LotSize", i.LotSize),
			MinQty: read.decimal("MinQty", i.MinQty), MaxQty: read.decimal("MaxQty", i.MaxQty),
		})
	}
	c.life = d.Life
	return read.err
}

// Instruments returns what the engine said when it was dialed.
func (c *Client) Instruments(context.Context) ([]order.Instrument, error) {
	return slices.Clone(c.instruments), nil
}

// Close ends the connection. Calls return errors wrapping engine.ErrUnavailable.
func (c *Client) Close() error {
	c.close()
	<-c.stopped
	return c.conn.Close()
}
