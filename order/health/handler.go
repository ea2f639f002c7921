package health

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// Config is what a [Handler] answers with.
type Config struct {
	// Ready are the conditions of being ready, all of which must hold.
	Ready []Check
	// Metrics, if set, answers at /metrics.
	Metrics http.Handler
}

// Handler answers at /live, /ready and /metrics. It is safe for concurrent use.
type Handler struct {
	ready   *checks
	metrics http.Handler
}

var _ http.Handler = (*Handler)(nil)

// NewHandler returns a handler.
func NewHandler(c Config) *Handler {
	return &Handler{ready: newChecks(c.Ready), metrics: c.Metrics}
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		http.Error(w, "expected GET", http.StatusMethodNotAllowed)
		return
	}
	switch {
	case r.URL.Path == "/live":
		answer(w, r, nil, true)
	case r.URL.Path == "/ready":
		results, ok := h.ready.results()
		answer(w, r, results, ok)
	case r.URL.Path == "/metrics" && h.metrics != nil:
		h.metrics.ServeHTTP(w, r)
	default:
		http.Error(w, "not found; there are /live, /ready and /metrics", http.StatusNotFound)
	}
}

// report is an answer in JSON.
type report struct {
	OK     bool     `json:"ok"`
	Checks []Result `json:"checks"`
}

func answer(w http.ResponseWriter, r *http.Request, results []Result, ok bool) {
	body, contentType := text(results, ok), "text/plain; charset=utf-8"
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		body, contentType = asJSON(results, ok), "application/json"
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write(body) // whoever went away needs no answer
}

// text is a line for the whole, and one per check.
func text(results []Result, ok bool) []byte {
	var b strings.Builder
	b.WriteString(word(ok) + "\n")
	for _, r := range results {
		b.WriteString(r.Name + ": " + word(r.OK))
		if r.Error != "" {
			b.WriteString(": " + strings.Join(strings.Fields(r.Error), " "))
		}
		b.WriteString("\n")
	}
	return []byte(b.String())
}

func word(ok bool) string {
	if ok {
		return "ok"
	}
	return "not ok"
}

func asJSON(results []Result, ok bool) []byte {
	if results == nil {
		results = []Result{}
	}
	b, err := json.Marshal(report{ok, results})
	if err != nil { // strings and booleans
		return []byte(`{"ok":false,"checks":[]}`)
	}
	return append(b, '\n')
}
