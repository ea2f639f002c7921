package enginegrpc

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/engine/enginegrpc/enginepb"
)

// batchSize is how many bytes of events are sent at once, about.
const batchSize = 256 << 10

// drain is how long calls may go on when the server stops.
const drain = 2 * time.Second

// Times of silence after which a connection is tried, and given up.
const (
	aliveAfter = 5 * time.Second
	aliveUntil = 5 * time.Second
)

// ServerConfig is what a server is made of.
type ServerConfig struct {
	Engine engine.Engine
	// Credentials of TLS, which ask for the gateways' certificates; nil for plain
	// connections from this machine.
	Credentials credentials.TransportCredentials
	// Life names what the engine remembers. One that keeps that on disk gives the
	// same each time; zero is for one that forgets, and gets a random name.
	Life [16]byte
}

// Server serves an engine to gateways.
type Server struct {
	enginepb.UnimplementedEngineServer
	config ServerConfig
	stop   chan struct{}
}

// NewServer returns a server, to be served once.
func NewServer(c ServerConfig) *Server {
	if c.Life == [16]byte{} {
		rand.Read(c.Life[:]) // never fails
	}
	return &Server{config: c, stop: make(chan struct{})}
}

// Serve takes calls until ctx ends, and then lets those end that do commands. It
// closes the listener. Its error wraps [ErrPlain] if the listener is reached from
// elsewhere and there are no credentials.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	transport := s.config.Credentials
	if transport == nil {
		if err := CheckPlain(l.Addr()); err != nil {
			return errors.Join(err, l.Close())
		}
		transport = insecure.NewCredentials()
	}
	g := grpc.NewServer(
		grpc.Creds(transport),
		grpc.ForceServerCodec(strictCodec{}),
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: aliveAfter, Timeout: aliveUntil}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: aliveAfter / 2, PermitWithoutStream: true}),
	)
	enginepb.RegisterEngineServer(g, s)
	stopped := make(chan struct{})
	unregister := context.AfterFunc(ctx, func() {
		defer close(stopped)
		close(s.stop)
		timer := time.AfterFunc(drain, g.Stop)
		defer timer.Stop()
		g.GracefulStop()
	})
	err := g.Serve(l)
	if !unregister() {
		<-stopped
		return nil
	}
	return err
}

// Describe says what is traded.
func (s *Server) Describe(ctx context.Context, _ *enginepb.DescribeRequest) (*enginepb.Description, error) {
	list, err := s.config.Engine.Instruments(ctx)
	if err != nil {
		return nil, toStatus(err)
	}
	d := &enginepb.Description{Life: s.config.Life[:]}
	for _, i := range list {
		d.Instruments = append(d.Instruments, encodeInstrument(i))
	}
	return d, nil
}

// Do does commands.
func (s *Server) Do(ctx context.Context, p *enginepb.Commands) (*enginepb.Done, error) {
	if err := s.checkLife(p.Life); err != nil {
		return nil, err
	}
	if len(p.Commands) > maxCommands {
		return nil, toStatus(malformed("expected at most %d commands, found %d", maxCommands, len(p.Commands)))
	}
	commands := make([]engine.Command, len(p.Commands))
	for i, c := range p.Commands {
		var err error
		if commands[i], err = decodeCommand(c); err != nil {
			return nil, toStatus(fmt.Errorf("command %d of %d: %w", i+1, len(p.Commands), err))
		}
	}
	if err := s.config.Engine.Do(ctx, commands); err != nil {
		return nil, toStatus(err)
	}
	return &enginepb.Done{}, nil
}

// Follow sends events until the call or the server ends.
func (s *Server) Follow(r *enginepb.FollowRequest, stream grpc.ServerStreamingServer[enginepb.Events]) error {
	if err := s.checkLife(r.Life); err != nil {
		return err
	}
	if err := stream.SendHeader(nil); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(stream.Context())
	q, ended := newQueue(), make(chan error, 1)
	go func() { ended <- s.config.Engine.Events(ctx, r.After, q.push) }()
	err, over := s.forward(stream, q, ended)
	cancel()
	if !over {
		<-ended
	}
	return err
}

// forward sends what comes into the queue. over reports that the engine ended it.
func (s *Server) forward(stream grpc.ServerStreamingServer[enginepb.Events], q *queue, ended <-chan error) (err error, over bool) {
	for {
		select {
		case <-q.ready:
			if err := send(stream, q.pop()); err != nil {
				return err, false
			}
		case err := <-ended:
			return errors.Join(send(stream, q.pop()), toStatus(err)), true
		case <-s.stop:
			return status.Error(codes.Unavailable, "the engine stops"), false
		case <-stream.Context().Done():
			return stream.Context().Err(), false
		}
	}
}

// send sends events, those of one command together.
func send(stream grpc.ServerStreamingServer[enginepb.Events], events []engine.Event) error {
	var p enginepb.Events
	size := 0
	for i := range events {
		e, err := encodeEvent(&events[i])
		if err != nil {
			return toStatus(err)
		}
		p.Events = append(p.Events, e)
		size += len(e.Report) + 256
		last := i == len(events)-1
		if last || size >= batchSize && events[i].Command != events[i+1].Command {
			if err := stream.Send(&p); err != nil {
				return err
			}
			p, size = enginepb.Events{}, 0
		}
	}
	return nil
}

func (s *Server) checkLife(life []byte) error {
	if string(life) != string(s.config.Life[:]) {
		return status.Error(codes.FailedPrecondition, "the engine was started anew since, and remembers nothing")
	}
	return nil
}

func encodeInstrument(i order.Instrument) *enginepb.Instrument {
	return &enginepb.Instrument{
		Symbol: i.Symbol, TickSize: encodeDecimal(i.TickSize), LotSize: encodeDecimal(i.LotSize),
		MinQty: encodeDecimal(i.MinQty), MaxQty: encodeDecimal(i.MaxQty),
	}
}
