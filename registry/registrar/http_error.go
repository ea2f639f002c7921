package registrar

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"time"

	"github.com/zkkex/zkkex"
)

// requestTimeout bounds the work on one request.
const requestTimeout = 15 * time.Second

// apiError is an answer that is no: {"error": code, "detail": ...}.
type apiError struct {
	status int
	code   string
	detail string
}

func (e *apiError) Error() string { return e.code + ": " + e.detail }

// handle turns a function's error into an answer.
func (s *Server) handle(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		w.Header().Set("X-Content-Type-Options", "nosniff")
		err := h(w, r.WithContext(ctx))
		if err == nil {
			return
		}
		answer := answerTo(err)
		if answer.status == http.StatusInternalServerError {
			s.config.Log.Error("request failed", "endpoint", r.Pattern, "error", err)
		}
		sendJSON(w, answer.status, struct {
			Error  string `json:"error"`
			Detail string `json:"detail"`
		}{answer.code, answer.detail})
	})
}

// answerTo is the one place where errors become answers. What the client did
// wrong is said in full; what went wrong here is for the log.
func answerTo(err error) *apiError {
	var answer *apiError
	var rejected *zkkex.RejectError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &answer):
		return answer
	case errors.As(err, &tooLarge):
		return &apiError{http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("expected a body of at most %d bytes", tooLarge.Limit)}
	case errors.As(err, &rejected):
		return &apiError{http.StatusForbidden, string(rejected.Reason), rejected.Detail}
	case errors.Is(err, zkkex.ErrUnsupported):
		return &apiError{http.StatusBadRequest, "unsupported", err.Error()}
	case errors.Is(err, zkkex.ErrMalformed):
		return &apiError{http.StatusBadRequest, "malformed", err.Error()}
	case errors.Is(err, ErrUnknownRequest):
		return &apiError{http.StatusNotFound, "unknown_request", err.Error()}
	case errors.Is(err, ErrChallengeUsed):
		return &apiError{http.StatusForbidden, "challenge_used", err.Error()}
	case errors.Is(err, ErrQueueFull):
		return &apiError{http.StatusServiceUnavailable, "queue_full", err.Error()}
	case errors.Is(err, ErrClosed):
		return &apiError{http.StatusServiceUnavailable, "closed", "the registrar is shutting down; try again later"}
	case errors.As(err, new(*TileError)):
		return &apiError{http.StatusNotFound, "not_found", err.Error()}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &apiError{http.StatusBadRequest, "malformed", "the request's body ended early"}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &apiError{http.StatusRequestTimeout, "timeout", "the request did not arrive in time"}
	case errors.As(err, new(*fs.PathError)), errors.As(err, new(*os.LinkError)):
		return &apiError{http.StatusInternalServerError, "storage", "the registrar could not read or write its files; try again later"}
	default:
		return &apiError{http.StatusInternalServerError, "internal", "the registrar could not answer; try again later"}
	}
}

// sendOutcome answers with the state of an enrolment request.
func sendOutcome(w http.ResponseWriter, status int, o Outcome) error {
	body := struct {
		ID     string `json:"id"`
		State  State  `json:"state"`
		Time   string `json:"time,omitempty"`
		Reason string `json:"reason,omitempty"`
	}{ID: o.ID.String(), State: o.State, Reason: o.Reason}
	if !o.Time.IsZero() {
		body.Time = o.Time.UTC().Format(time.RFC3339)
	}
	sendJSON(w, status, body)
	return nil
}

func sendJSON(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic("zkkex: internal error: " + err.Error()) // strings alone
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", cacheNothing)
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}
