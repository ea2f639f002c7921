package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/gateway"
	"github.com/zkkex/zkkex/order/ordergrpc"
	"github.com/zkkex/zkkex/order/orderws"
)

// Server serves a gateway on channels. It has no other state than who is there.
type Server struct {
	// Gateway takes the orders.
	Gateway *gateway.Gateway
	// FIX takes connections that speak FIX; nil refuses them.
	FIX func(ctx context.Context, conn net.Conn) error
	// GRPC and JSON say whether these are served.
	GRPC, JSON bool
	// Log is told what goes wrong on connections, without saying whose they are;
	// nil is for none.
	Log *slog.Logger

	mu       sync.Mutex
	sessions map[*handshake.Conn]order.SessionID // as they began
}

// Renewed is for venue.ListenConfig: a member goes on under the pseudonym of
// another epoch, and so does its session.
func (s *Server) Renewed(c *handshake.Conn) {
	s.mu.Lock()
	began, open := s.sessions[c]
	s.mu.Unlock()
	if !open {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), renewedWait)
	defer cancel()
	if err := s.Gateway.Renewed(ctx, began, sessionOf(c)); err != nil {
		// The session goes on here; after a lost connection the member begins
		// another one, and owns its orders by their keys.
		s.log().Warn("a renewed session has no second name in the journal", "error", err)
	}
}

// renewedWait bounds how long a renewal's name is tried to be recorded.
const renewedWait = 5 * time.Second

// sessionOf returns the session of a channel's present pseudonym.
func sessionOf(c *handshake.Conn) order.SessionID {
	state := c.ConnectionState()
	return order.NewSessionID(state.Epoch.Number, state.Statement.Nullifier[:])
}

// Serve takes channels from a listener of [*handshake.Conn] until ctx ends, and
// returns when all of them are done with. The gateway's sessions are ended by its
// own Drain and Close.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	var group sync.WaitGroup
	defer group.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	grpcs := newChannels(l.Addr())
	if s.GRPC {
		server := ordergrpc.NewServer(s.serveCall)
		defer server.Stop()
		group.Go(func() { _ = server.Serve(grpcs) })
	}
	browsers := newChannels(l.Addr())
	if s.JSON {
		server := s.webServer()
		defer server.Close()
		group.Go(func() { _ = server.Serve(browsers) })
	}
	others := map[protocol]*channels{grpcStyle: grpcs, websocket: browsers}
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		channel, ok := conn.(*handshake.Conn)
		if !ok {
			return errors.Join(errNoChannel, conn.Close())
		}
		group.Go(func() { s.serve(ctx, channel, others) })
	}
}

var errNoChannel = errors.New("the listener's connections are no zkkex channels")

// serve serves one channel, and closes it.
func (s *Server) serve(ctx context.Context, channel *handshake.Conn, others map[protocol]*channels) {
	peer, err := s.enter(channel)
	if err != nil {
		_ = channel.Close()
		return
	}
	defer s.leave(channel)
	stop := context.AfterFunc(ctx, func() { _ = channel.Close() })
	defer stop()
	conn, spoken, err := peek(channel)
	if err == nil {
		err = s.speak(ctx, conn, spoken, peer, others)
	}
	_ = channel.Close()
	if err != nil && ctx.Err() == nil && !errors.Is(err, errSilent) {
		s.log().Debug("a session ended", "protocol", string(spoken), "cause", cause(err))
	}
}

// speak serves what the member speaks, until it is done.
func (s *Server) speak(ctx context.Context, conn *peeked, spoken protocol, peer gateway.Peer, others map[protocol]*channels) error {
	switch {
	case spoken == framed:
		return s.Gateway.Serve(ctx, order.NewStream(conn), peer)
	case spoken == fix && s.FIX != nil:
		return s.FIX(ctx, conn)
	case spoken == grpcStyle && s.GRPC, spoken == websocket && s.JSON:
		return others[spoken].give(ctx, conn, peer)
	}
	return errNotServed
}

var errNotServed = errors.New("a protocol that is not served here")

// serveCall serves one call of gRPC, which is one connection of a session.
func (s *Server) serveCall(ctx context.Context, stream order.Stream, c ordergrpc.Caller) error {
	state := c.State()
	return s.Gateway.Serve(ctx, stream, gateway.Peer{
		Session: order.NewSessionID(state.Epoch.Number, state.Statement.Nullifier[:]), Binding: c.Binding,
		Ends: func() time.Time { return c.State().Ends },
	})
}

// webServer serves WebSockets, one session on each connection.
func (s *Server) webServer() *http.Server {
	return &http.Server{
		Handler: orderws.Handler(func(ctx context.Context, stream order.Stream) error {
			h, _ := ctx.Value(heldKey{}).(*held)
			return s.Gateway.Serve(ctx, stream, h.peer)
		}),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, heldKey{}, c) },
		ReadTimeout: firstWait, IdleTimeout: firstWait, // until it is a WebSocket
		MaxHeaderBytes: 16 << 10,
		ErrorLog:       slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), // it names peers
	}
}

// heldKey is the key of a request's connection.
type heldKey struct{}

// enter notes under which name a channel's session begins.
func (s *Server) enter(channel *handshake.Conn) (gateway.Peer, error) {
	binding, err := channel.Export(order.BindingLabel, nil, 32)
	if err != nil {
		return gateway.Peer{}, err
	}
	id := sessionOf(channel)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sessions == nil {
		s.sessions = make(map[*handshake.Conn]order.SessionID)
	}
	s.sessions[channel] = id
	return gateway.Peer{
		Session: id, Binding: [32]byte(binding),
		Ends: func() time.Time { return channel.ConnectionState().Ends },
	}, nil
}

func (s *Server) leave(channel *handshake.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, channel)
}

func (s *Server) log() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log
}
