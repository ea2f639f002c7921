package registrar

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"

	"github.com/zkkex/zkkex/registry"
)

// Limits on time and size of a connection.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 20 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 15 * time.Second
	maxHeader         = 8 << 10
	// shutdownTimeout is how long requests under way may take once the server
	// was told to stop.
	shutdownTimeout = 10 * time.Second
)

// Serve answers requests on a listener, which it closes, until ctx ends. Then
// it lets requests under way finish, for ten seconds at most, and returns nil.
// Beside that, it publishes a checkpoint at once, and then on schedule; see
// [Server.Publish].
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	silent := newSilentConns()
	srv := &http.Server{
		Handler:           s.Handler(),
		ConnState:         silent.track,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := srv.Serve(netutil.LimitListener(limitPerAddress(l), s.config.MaxConnections)); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		deadline, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
		defer cancel()
		silent.close()
		if err := srv.Shutdown(deadline); !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		return srv.Close()
	})
	group.Go(func() error { return s.publishOnSchedule(ctx) })
	return group.Wait()
}

// silentConns are the connections on which nothing has arrived yet. A shutdown
// would wait for them.
type silentConns struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{} // nil once they are closed
}

func newSilentConns() *silentConns { return &silentConns{conns: make(map[net.Conn]struct{})} }

func (s *silentConns) track(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(s.conns, c)
	case s.conns == nil:
		_ = c.Close() // came too late, and sent nothing
	default:
		s.conns[c] = struct{}{}
	}
}

func (s *silentConns) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close() // nothing was promised to it
	}
	s.conns = nil
}

// publishOnSchedule publishes until ctx ends. An error is logged, and tried
// again: the registry keeps serving what it has. A registrar that cannot write
// any more ends it.
func (s *Server) publishOnSchedule(ctx context.Context) error {
	tick := time.NewTicker(s.config.CheckpointInterval)
	defer tick.Stop()
	for {
		_, err := s.Publish(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, ErrUndecided):
			return err
		case err != nil:
			s.config.Log.Error("publishing", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Publish does what is due, as [Registrar.Process], and publishes a checkpoint if
// there is something new, or if the last one is older than [ServerConfig.RenewInterval].
// It returns the newest published checkpoint; what could not be admitted is in
// the error, which comes beside it.
func (s *Server) Publish(ctx context.Context) (*registry.SignedCheckpoint, error) {
	now := s.config.Now()
	done, processErr := s.registrar.Process(s.queue, now)
	if done.Admitted > 0 {
		s.config.Log.Info("admitted", "requests", done.Admitted)
	}
	if done.Ended > 0 {
		s.config.Log.Info("revoked", "ended delegations", done.Ended)
	}
	sign := s.registrar.Checkpoint
	if p := s.registrar.Published(); p != nil && now.Sub(p.Time) >= s.config.RenewInterval {
		sign = s.registrar.Renew
	}
	c, err := sign(ctx, now, s.config.Cosigner)
	return c, errors.Join(processErr, err)
}
