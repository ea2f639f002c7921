package credentials_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpccredentials "google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/credentials"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/internal/venuetest"
)

// seen are the states of the channels that calls came over.
type seen struct {
	mu     sync.Mutex
	states []handshake.ConnectionState
	other  int
}

func (s *seen) intercept(ctx context.Context, r any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state, ok := credentials.FromContext(ctx); ok {
		s.states = append(s.states, state)
	} else {
		s.other++
	}
	return next(ctx, r)
}

// serve runs a health service on a listener until the test ends.
func serve(t *testing.T, l net.Listener, c grpccredentials.TransportCredentials) *seen {
	t.Helper()
	var s seen
	server := grpc.NewServer(grpc.Creds(c), grpc.UnaryInterceptor(s.intercept))
	healthpb.RegisterHealthServer(server, health.NewServer())
	var done sync.WaitGroup
	done.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() {
		server.Stop()
		done.Wait()
	})
	return &s
}

func connect(t *testing.T, c grpccredentials.TransportCredentials, dial func(context.Context, string) (net.Conn, error)) healthpb.HealthClient {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:venue", grpc.WithTransportCredentials(c), grpc.WithContextDialer(dial))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return healthpb.NewHealthClient(conn)
}

func check(t *testing.T, c healthpb.HealthClient, options ...grpc.CallOption) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err := c.Check(ctx, &healthpb.HealthCheckRequest{}, options...)
	return err
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// initiate opens a channel on a connection with a fresh certificate.
func initiate(v *venuetest.Venue, m *venuetest.Member) credentials.OpenFunc {
	return func(ctx context.Context, _ string, raw net.Conn) (*handshake.Conn, error) {
		i, err := handshake.NewInitiator(v.Public(venuetest.Suite), m.Certificate(), handshake.InitiatorOptions{Kind: handshake.Inline})
		if err != nil {
			return nil, err
		}
		return handshake.Client(ctx, raw, i, nil)
	}
}

// The handler reads who calls: with the handshake before gRPC, over TCP, and with
// the handshake in the credentials, over a connection in memory.
func TestHandlerKnowsThePseudonym(t *testing.T) {
	v := venuetest.New(t.Name())
	t.Run("channels", func(t *testing.T) {
		l := v.Listen(listen(t))
		s := serve(t, l, credentials.NewServer(nil))
		c := v.Member("alice").Certificate()
		dialer := v.Dialer("tcp", l.Addr().String())
		client := connect(t, credentials.NewClient(nil), func(ctx context.Context, _ string) (net.Conn, error) {
			return dialer.Open(ctx, c, nil)
		})
		requireCaller(t, v, client, s, c.Presentation().Statement.Nullifier)
	})
	t.Run("handshakes", func(t *testing.T) {
		l := bufconn.Listen(1 << 16)
		config := v.Config()
		s := serve(t, l, credentials.NewServer(&config))
		var nullifier zkkex.Nullifier
		open := initiate(v, v.Member("bob"))
		client := connect(t, credentials.NewClient(func(ctx context.Context, authority string, raw net.Conn) (*handshake.Conn, error) {
			if authority != "venue" {
				t.Errorf("authority %q", authority)
			}
			conn, err := open(ctx, authority, raw)
			if err == nil {
				nullifier = conn.ConnectionState().Statement.Nullifier
			}
			return conn, err
		}), func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) })
		if err := check(t, client); err != nil {
			t.Fatal(err)
		}
		requireCaller(t, v, client, s, nullifier)
	})
}

// requireCaller makes a call, and checks what both sides know of each other.
func requireCaller(t *testing.T, v *venuetest.Venue, client healthpb.HealthClient, s *seen, want zkkex.Nullifier) {
	t.Helper()
	var p peer.Peer
	if err := check(t, client, grpc.Peer(&p)); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.other != 0 || len(s.states) == 0 {
		t.Fatalf("%d calls over channels, %d others", len(s.states), s.other)
	}
	if got := s.states[len(s.states)-1].Statement.Nullifier; got != want || want == (zkkex.Nullifier{}) {
		t.Errorf("the handler read %s; want %s", got, want)
	}
	info, ok := p.AuthInfo.(credentials.AuthInfo)
	if !ok || info.State().Venue != v.Keys.ID || info.AuthType() != credentials.Protocol {
		t.Errorf("the client's AuthInfo is %v", p.AuthInfo)
	}
	if err := grpccredentials.CheckSecurityLevel(p.AuthInfo, grpccredentials.PrivacyAndIntegrity); err != nil {
		t.Error(err)
	}
}

// token is per-call credentials that gRPC sends over secure transports only.
type token struct{}

func (token) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer x"}, nil
}
func (token) RequireTransportSecurity() bool { return true }

func TestCallCredentialsAreSent(t *testing.T) {
	v := venuetest.New(t.Name())
	l := v.Listen(listen(t))
	serve(t, l, credentials.NewServer(nil))
	client := connect(t, credentials.NewClient(initiate(v, v.Member("alice"))), func(ctx context.Context, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
	})
	if err := check(t, client, grpc.PerRPCCredentials(token{})); err != nil {
		t.Error(err)
	}
}

// A refusal is Unavailable, and says why.
func TestFailingHandshake(t *testing.T) {
	for _, tc := range []struct {
		name    string
		refusal error
		says    string
	}{
		{"rejected", zkkex.Reject(handshake.WrongGeneration, "prove again"), string(handshake.WrongGeneration)},
		{"undecided", errors.New("the store is down"), handshake.ErrUnavailable.Error()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := venuetest.New(t.Name())
			v.Gate.Refuse(tc.refusal)
			l := v.Listen(listen(t))
			serve(t, l, credentials.NewServer(nil))
			client := connect(t, credentials.NewClient(initiate(v, v.Member("alice"))), func(ctx context.Context, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
			})
			err := check(t, client)
			if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "zkkex: ") || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v; want Unavailable with %q", err, tc.says)
			}
		})
	}
}

func TestNoVenueThere(t *testing.T) {
	v := venuetest.New(t.Name())
	l := listen(t)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	client := connect(t, credentials.NewClient(initiate(v, v.Member("alice"))), func(ctx context.Context, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
	})
	if err := check(t, client); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "zkkex: handshake: ") {
		t.Errorf("got %v; want Unavailable", err)
	}
}

// A connection in the clear never passes for a channel, on either side.
func TestPlainConnectionsAreRefused(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	if _, _, err := credentials.NewClient(nil).ClientHandshake(t.Context(), "venue", near); !errors.Is(err, credentials.ErrNoChannel) {
		t.Errorf("client: %v", err)
	}
	if _, _, err := credentials.NewServer(nil).ServerHandshake(far); !errors.Is(err, credentials.ErrNoChannel) {
		t.Errorf("server: %v", err)
	}
	// A handler behind other credentials is not told of a channel.
	l := bufconn.Listen(1 << 16)
	s := serve(t, l, insecure.NewCredentials())
	client := connect(t, insecure.NewCredentials(), func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) })
	if err := check(t, client); err != nil || s.other != 1 {
		t.Errorf("%v, %d calls without a channel; want 1", err, s.other)
	}
}

func TestTemporary(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want bool
	}{
		{zkkex.Reject(zkkex.SlotUsed, ""), false},
		{zkkex.Reject(zkkex.Busy, ""), true},
		{handshake.ErrUnavailable, true},
		{io.ErrUnexpectedEOF, true},
		{context.DeadlineExceeded, true},
	} {
		_, _, err := credentials.NewClient(func(context.Context, string, net.Conn) (*handshake.Conn, error) {
			return nil, tc.err
		}).ClientHandshake(t.Context(), "", nil)
		var temporary interface{ Temporary() bool }
		if !errors.Is(err, tc.err) || !errors.As(err, &temporary) || temporary.Temporary() != tc.want {
			t.Errorf("%v: temporary is not %v", err, tc.want)
		}
	}
}

// A peer that has a certificate admitted is no failed connection.
func TestAdmissionOverTheSamePort(t *testing.T) {
	v := venuetest.New(t.Name())
	config := v.Config()
	l := listen(t)
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	admitted := make(chan error, 1)
	c := v.Member("alice").Certificate()
	go func() {
		i, err := handshake.NewInitiator(v.Public(venuetest.Suite), c, handshake.InitiatorOptions{Kind: handshake.Admit})
		if err == nil {
			err = handshake.AdmitOn(t.Context(), near, i, nil)
		}
		admitted <- err
	}()
	if _, _, err := credentials.NewServer(&config).ServerHandshake(far); !errors.Is(err, grpccredentials.ErrConnDispatched) {
		t.Errorf("server: %v; want ErrConnDispatched", err)
	}
	if err := <-admitted; err != nil {
		t.Error(err)
	}
}
