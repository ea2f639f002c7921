package tunnel

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/record"
)

// Intervals between two lines about the same kind of error. They double, and
// begin anew when the kind was not seen for the longest of them.
const (
	firstInterval = time.Second
	lastInterval  = 15 * time.Minute
	// maxKinds bounds what is remembered.
	maxKinds = 64
)

// errorLog writes each kind of error once, and then less and less often, with
// the number of those left out. A program that tries again and again, and a
// venue that is down for a night, fill no disk.
type errorLog struct {
	log *slog.Logger
	now func() time.Time

	mu    sync.Mutex
	kinds map[string]*kindState
}

type kindState struct {
	seen, next time.Time
	interval   time.Duration
	omitted    uint64
}

func newErrorLog(log *slog.Logger) *errorLog {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &errorLog{log: log, now: time.Now, kinds: make(map[string]*kindState)}
}

// kind logs what kind an error is of, and not its text: texts of errors hold
// addresses.
func (l *errorLog) kind(message string, err error) { l.write(message, kindOf(err)) }

// text logs an error of a Dial function with its text, which is about what the
// operator configured, and says what to do. Of unlogged errors it logs the kind.
func (l *errorLog) text(message string, err error) {
	kind := kindOf(err)
	if errors.As(err, new(unlogged)) {
		l.write(message, kind)
		return
	}
	l.write(message, kind, slog.String("error", err.Error()))
}

// unlogged is an error whose text may name a peer.
type unlogged struct{ error }

func (e unlogged) Unwrap() error { return e.error }

func (l *errorLog) write(message, kind string, more ...slog.Attr) {
	omitted, due := l.due(message + "\x00" + kind)
	if !due {
		return
	}
	attrs := append([]slog.Attr{slog.String("kind", kind)}, more...)
	if omitted > 0 {
		attrs = append(attrs, slog.Uint64("omitted", omitted))
	}
	l.log.LogAttrs(context.Background(), slog.LevelWarn, message, attrs...)
}

// due reports whether it is time for a line, and how many were left out before.
func (l *errorLog) due(key string) (omitted uint64, due bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	s := l.kinds[key]
	if s == nil || now.Sub(s.seen) >= lastInterval {
		if s == nil && len(l.kinds) >= maxKinds {
			clear(l.kinds)
		}
		l.kinds[key] = &kindState{seen: now, next: now.Add(firstInterval), interval: firstInterval}
		return 0, true
	}
	s.seen = now
	if now.Before(s.next) {
		s.omitted++
		return 0, false
	}
	omitted, s.omitted = s.omitted, 0
	s.interval = min(2*s.interval, lastInterval)
	s.next = now.Add(s.interval)
	return omitted, true
}

// kinds of errors by what they wrap, the most telling first.
var kinds = []struct {
	is   error
	name string
}{
	{ErrNoReset, "no reset"},
	{zkkex.ErrMalformed, "malformed"},
	{zkkex.ErrUnsupported, "unsupported"},
	{context.Canceled, "cancelled"},
	{context.DeadlineExceeded, "timeout"},
	{os.ErrDeadlineExceeded, "timeout"},
	{io.ErrUnexpectedEOF, "truncated"},
	{syscall.ECONNREFUSED, "refused"},
	{syscall.ECONNRESET, "reset"},
	{syscall.EPIPE, "reset"},
	{syscall.ECONNABORTED, "reset"},
	{syscall.ETIMEDOUT, "timeout"},
	{syscall.EHOSTUNREACH, "unreachable"},
	{syscall.ENETUNREACH, "unreachable"},
	{syscall.EMFILE, "no descriptor left"},
	{syscall.ENFILE, "no descriptor left"},
	{net.ErrClosed, "closed"},
}

// kindOf names an error without its text.
func kindOf(err error) string {
	if r, ok := errors.AsType[*zkkex.RejectError](err); ok {
		return "rejected: " + string(r.Reason)
	}
	if a, ok := errors.AsType[record.Alert](err); ok {
		return a.Error()
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "name not found"
	}
	for _, k := range kinds {
		if errors.Is(err, k.is) {
			return k.name
		}
	}
	return "other"
}
