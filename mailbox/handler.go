package mailbox

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/zkkex/zkkex"
)

// Path is what the paths of a mailbox over HTTP begin with; an [ID] follows.
const Path = "/mail/"

// bodyTimeout is how long a message may take to arrive.
const bodyTimeout = 20 * time.Second

// HandlerOptions are how a mailbox over HTTP behaves. The zero value is useful.
type HandlerOptions struct {
	// Rate is how many requests per second one source may make in the long run,
	// and Burst how many at once; 0 is [DefaultRate] and [DefaultBurst].
	Rate  float64
	Burst int
	// PostRate and PostBurst are the same of messages; 0 is [DefaultPostRate] and
	// [DefaultPostBurst]. What is answered stays for as long as the folder's time
	// to live, so that a source must not be able to fill the folder in that time.
	PostRate  float64
	PostBurst int
	// Source tells who makes a request, for the rate. nil is the network that it
	// comes from: an IPv4 address, or 64 bits of an IPv6 one. Behind a proxy of
	// one's own, it is whatever that says.
	Source func(*http.Request) string
	// Log takes errors of the folder, without addresses, identifiers and content;
	// nil logs nothing.
	Log *slog.Logger
}

// Keeper is what a handler keeps messages in. A [Folder] is one.
type Keeper interface {
	// Put is as [Folder.Put].
	Put(ctx context.Context, id ID, message []byte) error
	// Answer is as in [Mailbox].
	Answer(ctx context.Context, id ID) ([]byte, error)
}

// NewHandler serves a mailbox over HTTP, as docs/spec/mailbox.md has it. It is to
// stand in an [http.Server] with ReadHeaderTimeout.
func NewHandler(k Keeper, o HandlerOptions) http.Handler {
	if o.Source == nil {
		o.Source = sourceOf
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Rate <= 0 {
		o.Rate = DefaultRate
	}
	if o.Burst <= 0 {
		o.Burst = DefaultBurst
	}
	if o.PostRate <= 0 {
		o.PostRate = DefaultPostRate
	}
	if o.PostBurst <= 0 {
		o.PostBurst = DefaultPostBurst
	}
	return &handler{keeper: k, options: o, requests: newLimiter(o.Rate, o.Burst), posts: newLimiter(o.PostRate, o.PostBurst)}
}

type handler struct {
	keeper          Keeper
	options         HandlerOptions
	requests, posts *limiter
}

// ServeHTTP answers by the method alone whether an identifier is known or not: a
// question about one that was never posted has the same answer as one about a
// message that waits.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	digits, ok := strings.CutPrefix(r.URL.Path, Path)
	id, err := ParseID(digits)
	if !ok || err != nil {
		refuse(w, http.StatusNotFound)
		return
	}
	if !h.allow(r) {
		refuse(w, http.StatusTooManyRequests)
		return
	}
	switch r.Method {
	case http.MethodPut:
		h.put(w, r, id)
	case http.MethodGet:
		h.get(w, r, id)
	default:
		w.Header().Set("Allow", "GET, PUT")
		refuse(w, http.StatusMethodNotAllowed)
	}
}

// allow asks the limiters of all requests and, for a message, of messages.
func (h *handler) allow(r *http.Request) bool {
	source, now := h.options.Source(r), time.Now()
	return h.requests.allow(source, now) && (r.Method != http.MethodPut || h.posts.allow(source, now))
}

func (h *handler) put(w http.ResponseWriter, r *http.Request, id ID) {
	// A server without deadlines, such as one in a test, has no slow bodies.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
	message, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxMessage))
	if err != nil {
		status := http.StatusBadRequest
		if errors.As(err, new(*http.MaxBytesError)) {
			status = http.StatusRequestEntityTooLarge
		}
		refuse(w, status)
		return
	}
	switch err := h.keeper.Put(r.Context(), id, message); {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.Is(err, zkkex.ErrMalformed):
		refuse(w, http.StatusBadRequest)
	case errors.Is(err, ErrTaken):
		refuse(w, http.StatusConflict)
	default:
		h.unavailable(w, err)
	}
}

func (h *handler) get(w http.ResponseWriter, r *http.Request, id ID) {
	answer, err := h.keeper.Answer(r.Context(), id)
	switch {
	case err == nil:
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
		_, _ = w.Write(answer) // it can be asked for again
	case errors.Is(err, ErrNoAnswer):
		w.WriteHeader(http.StatusNoContent)
	default:
		h.unavailable(w, err)
	}
}

func (h *handler) unavailable(w http.ResponseWriter, err error) {
	if !errors.Is(err, ErrFull) && !errors.Is(err, context.Canceled) {
		h.options.Log.Error("mailbox over HTTP", "error", loggable(err))
	}
	refuse(w, http.StatusServiceUnavailable)
}

// refuse says a status and nothing else, the same to everybody.
func refuse(w http.ResponseWriter, status int) { http.Error(w, http.StatusText(status), status) }
