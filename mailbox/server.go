package mailbox

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/zkkex/zkkex"
)

// Handler answers messages for a [Server]. It returns nil and no error for a
// message that gets no answer, which is then forgotten. An error says that it
// could not decide: the message is handled again later, until it is out of date.
type Handler func(ctx context.Context, message []byte) (answer []byte, err error)

const (
	// DefaultPoll is how often a [Server] looks for messages.
	DefaultPoll = time.Second
	// sweepInterval is how often it looks for what is out of date.
	sweepInterval = 10 * time.Minute
	// lastRetry is the longest pause between two attempts at a message.
	lastRetry = time.Minute
)

// Server answers the messages in a mailbox, one after the other. Its fields must
// not be changed once [Server.Serve] runs.
type Server struct {
	Store  Store
	Handle Handler
	// Poll is how often it looks for messages; 0 is [DefaultPoll].
	Poll time.Duration
	// Log takes errors, without messages, identifiers and answers; nil logs
	// nothing.
	Log *slog.Logger

	retries map[ID]retry
	swept   time.Time
}

// retry is when a message is handled again.
type retry struct {
	at    time.Time
	pause time.Duration
}

// Serve answers messages until ctx ends, and then returns nil. Of several servers
// of one mailbox, one works and the others wait for it to stop.
func (s *Server) Serve(ctx context.Context) error {
	if s.Store == nil || s.Handle == nil {
		return errors.New("mailbox: a server needs a Store and a Handle function")
	}
	release, err := s.Store.Acquire(ctx)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	s.retries = make(map[ID]retry)
	for ctx.Err() == nil {
		if err := s.round(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error("mailbox", "error", loggable(err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(s.poll()):
		}
	}
	return release()
}

// round handles what is pending and due.
func (s *Server) round(ctx context.Context) error {
	if time.Since(s.swept) > sweepInterval {
		if _, err := s.Store.Sweep(); err != nil {
			return err
		}
		s.swept = time.Now()
	}
	pending, err := s.Store.Pending(ctx)
	if err != nil {
		return err
	}
	waiting := make(map[ID]retry)
	var errs error
	for _, id := range pending {
		r := s.retries[id]
		if time.Now().Before(r.at) {
			waiting[id] = r
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := s.answer(ctx, id); err != nil {
			errs = err // the last one: they are mostly the same
			pause := min(max(2*r.pause, s.poll()), lastRetry)
			waiting[id] = retry{at: time.Now().Add(pause), pause: pause}
		}
	}
	s.retries = waiting
	return errs
}

// answer handles one message.
func (s *Server) answer(ctx context.Context, id ID) error {
	message, err := s.Store.Message(ctx, id)
	if errors.Is(err, zkkex.ErrMalformed) {
		return s.Store.Drop(ctx, id) // somebody put it there by hand
	}
	if err != nil {
		return err
	}
	answer, err := s.Handle(ctx, message)
	if err != nil {
		return err
	}
	if len(answer) == 0 {
		return s.Store.Drop(ctx, id)
	}
	return s.keep(ctx, id, answer)
}

// keep tries to keep an answer until it is kept, or ctx ends. The message has had
// its effect, and would not get the same answer again; what keeps this one from
// being written would keep others.
func (s *Server) keep(ctx context.Context, id ID, answer []byte) error {
	for pause := s.poll(); ; pause = min(2*pause, lastRetry) {
		err := s.Store.PutAnswer(ctx, id, answer)
		if err == nil || errors.Is(err, ErrTaken) || errors.Is(err, zkkex.ErrMalformed) {
			return err
		}
		s.Log.Error("mailbox: an answer cannot be kept, and nothing is handled until it is", "error", loggable(err))
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

func (s *Server) poll() time.Duration {
	if s.Poll <= 0 {
		return DefaultPoll
	}
	return s.Poll
}
