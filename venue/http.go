package venue

import (
	"errors"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
)

// Handler serves what clients fetch (docs/spec/venue-log.md): identity,
// descriptors with their proofs, checkpoint and tiles. Everything is the same for
// everybody; nothing is kept or logged about who asks, and there are no cookies
// and no validators.
func (v *Venue) Handler() http.Handler { return http.HandlerFunc(v.serve) }

func (v *Venue) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "expected GET", http.StatusMethodNotAllowed)
		return
	}
	file, err := v.file(strings.TrimPrefix(r.URL.Path, "/"))
	if errors.Is(err, fs.ErrNotExist) {
		h.Set("Cache-Control", "no-store") // it may be there in a minute
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	if err != nil {
		v.log.Error("serving descriptors", "error", err)
		http.Error(w, "try again later", http.StatusServiceUnavailable)
		return
	}
	h.Set("Content-Type", file.contentType)
	h.Set("Cache-Control", file.cache)
	h.Set("Content-Length", strconv.Itoa(len(file.body)))
	_, _ = w.Write(file.body) // a client that went away has nobody left to tell
}
