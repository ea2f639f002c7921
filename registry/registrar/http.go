package registrar

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"filippo.io/torchwood"

	"github.com/zkkex/zkkex/enrolment"
)

// Defaults and limits of a server.
const (
	// DefaultChallengeValidity is how long a member has to answer a challenge.
	DefaultChallengeValidity = time.Hour
	// DefaultCheckpointInterval is how often approved requests are admitted and
	// a checkpoint is published for all of them together. Admissions that
	// stand in one checkpoint hide one another's times.
	DefaultCheckpointInterval = time.Minute
	// DefaultRenewInterval is how often a checkpoint is signed though nothing
	// changed, so that members can tell a quiet registry from a held one.
	DefaultRenewInterval = time.Hour
	// DefaultMaxConnections bounds the connections served at once, of which one
	// address has [MaxConnectionsPerAddress] at most.
	DefaultMaxConnections = 1024
	// DefaultMaxDelegation lets a device that signs once a day do so late.
	DefaultMaxDelegation = 48 * time.Hour
)

// ServerConfig is how a server behaves. The zero value is useful.
type ServerConfig struct {
	// Approve decides about requests that arrive, in place of a person: true
	// approves. If it is nil, every request waits; see [ApproveAll] and
	// [ApproveListed]. What a device delegates that is a member is approved without
	// asking.
	Approve ApprovalPolicy
	// ChallengeValidity is how long challenges are valid; 0 is
	// [DefaultChallengeValidity].
	ChallengeValidity time.Duration
	// CheckpointInterval is how often there can be a new checkpoint; 0 is
	// [DefaultCheckpointInterval].
	CheckpointInterval time.Duration
	// RenewInterval is the longest time without a new signature; 0 is
	// [DefaultRenewInterval].
	RenewInterval time.Duration
	// MaxConnections bounds the connections served at once; 0 is
	// [DefaultMaxConnections].
	MaxConnections int
	// MaxDelegation is the longest that a delegation can last; 0 is
	// [DefaultMaxDelegation], and [enrolment.MaxDelegation] the most.
	MaxDelegation time.Duration
	// Cosigner asks witnesses before a checkpoint is published; see
	// [NewCosigner].
	Cosigner Cosigner
	// Log takes what goes wrong, and admissions by count. No address and no
	// member is ever logged. nil logs nothing.
	Log *slog.Logger
	// Now is the clock; nil is the system's.
	Now func() time.Time
}

// Server serves a registry over HTTP, as docs/spec/registry-http.md has it.
//
// There is no way to ask it for a path, nor whether a leaf is in: such a
// question says who is asking. Everything about members is in files that are
// the same for everybody.
type Server struct {
	registrar   *Registrar
	queue       *Queue
	config      ServerConfig
	delegations throttle
}

// NewServer returns a server for an open registry and its queue.
func NewServer(r *Registrar, q *Queue, c ServerConfig) *Server {
	defaultTo(&c.ChallengeValidity, DefaultChallengeValidity)
	defaultTo(&c.CheckpointInterval, DefaultCheckpointInterval)
	defaultTo(&c.RenewInterval, DefaultRenewInterval)
	defaultTo(&c.MaxConnections, DefaultMaxConnections)
	defaultTo(&c.MaxDelegation, DefaultMaxDelegation)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Server{registrar: r, queue: q, config: c}
}

func defaultTo[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// Handler returns the endpoints.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	route := func(method, pattern string, h func(http.ResponseWriter, *http.Request) error) {
		mux.Handle(method+" "+pattern, s.handle(h))
		mux.Handle(pattern, s.handle(func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Allow", method)
			return &apiError{http.StatusMethodNotAllowed, "method_not_allowed", fmt.Sprintf("%s, expected %s", r.Method, method)}
		}))
	}
	route(http.MethodGet, "/checkpoint", s.getCheckpoint)
	route(http.MethodGet, "/tile/", s.getTile)
	route(http.MethodGet, "/key", s.getKey)
	route(http.MethodGet, "/enrol/challenge", s.getChallenge)
	route(http.MethodPost, "/enrol", s.postEnrol)
	route(http.MethodGet, "/enrol/status/{id}", s.getStatus)
	mux.Handle("/", s.handle(func(_ http.ResponseWriter, r *http.Request) error {
		return notFound("no endpoint %.100q", r.URL.Path)
	}))
	return mux
}

// Cache lifetimes. A full tile never changes, a partial one can vanish when it
// is full, and everything else is about now.
const (
	cacheFull    = "public, max-age=31536000, immutable"
	cachePartial = "public, max-age=86400"
	cacheNothing = "no-store"
	cacheRevisit = "no-cache"
)

const textPlain = "text/plain; charset=utf-8"

func (s *Server) getCheckpoint(w http.ResponseWriter, _ *http.Request) error {
	c := s.registrar.Published()
	if c == nil {
		return notFound("no checkpoint is published yet")
	}
	return send(w, textPlain, cacheRevisit, c.Note)
}

func (s *Server) getKey(w http.ResponseWriter, _ *http.Request) error {
	return send(w, textPlain, cacheRevisit, []byte(s.registrar.VerifierKey()+"\n"))
}

func (s *Server) getTile(w http.ResponseWriter, r *http.Request) error {
	path := strings.TrimPrefix(r.URL.Path, "/")
	data, err := s.registrar.Tile(path)
	if err != nil {
		return err
	}
	cache := cachePartial
	if tile, err := torchwood.ParseTilePath(path); err == nil && tile.W == torchwood.TileWidth {
		cache = cacheFull
	}
	return send(w, "application/octet-stream", cache, data)
}

func (s *Server) getChallenge(w http.ResponseWriter, _ *http.Request) error {
	c, err := s.queue.Challenge(s.config.Now(), s.config.ChallengeValidity)
	if err != nil {
		return err
	}
	return send(w, textPlain, cacheNothing, []byte(c.String()+"\n"))
}

func (s *Server) postEnrol(w http.ResponseWriter, r *http.Request) error {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, enrolment.MaxRequestText))
	if err != nil {
		return err
	}
	request, err := enrolment.Parse(text)
	if err != nil {
		return err
	}
	now := s.config.Now()
	o, err := s.queue.add(request, now, func(r enrolment.Application) error { return s.checkDelegation(r, now) })
	if err != nil {
		return err
	}
	if o, err = s.seen(o); err != nil {
		return err
	}
	if o.State == Pending && s.approves(request) {
		if err := s.queue.Approve(o.ID); err != nil {
			return err
		}
		o.State = Approved
	}
	return sendOutcome(w, http.StatusAccepted, o)
}

// approves asks the policy about a request that is in the queue.
func (s *Server) approves(request enrolment.Application) bool {
	if s.config.Approve == nil {
		return false
	}
	yes, err := s.config.Approve(request)
	if err != nil {
		s.config.Log.Error("approval policy", "error", err)
	}
	return yes && err == nil
}

func (s *Server) getStatus(w http.ResponseWriter, r *http.Request) error {
	id, err := ParseRequestID(r.PathValue("id"))
	if err != nil {
		return err
	}
	o, err := s.queue.Status(id)
	if err != nil {
		return err
	}
	if o, err = s.seen(o); err != nil {
		return err
	}
	return sendOutcome(w, http.StatusOK, o)
}

func notFound(detail string, args ...any) error {
	return &apiError{http.StatusNotFound, "not_found", fmt.Sprintf(detail, args...)}
}

func send(w http.ResponseWriter, contentType, cache string, body []byte) error {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", cache)
	h.Set("Content-Length", fmt.Sprint(len(body)))
	_, _ = w.Write(body) // a client that went away has nobody left to tell
	return nil
}
