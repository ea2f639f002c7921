package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// A server has its folder, a registry or a venue, open, and nobody else can. It
// takes jobs from the other commands on a Unix socket in the folder, which only
// the operator can enter: a POST of a job, answered by what came out.

const (
	// controlSocket is its name.
	controlSocket = "control.sock"
	// maxJob and maxDone bound what is said on it, in bytes: a market maker has ten
	// thousand open orders, and each takes some 400.
	maxJob  = 1 << 20
	maxDone = 16 << 20
	// controlTimeout bounds a job.
	controlTimeout = 5 * time.Minute
)

// controlAnswer is what a server answers.
type controlAnswer struct {
	Done  json.RawMessage `json:"done,omitempty"`
	Error *controlError   `json:"error,omitempty"`
}

// controlError is an error that came from a server: what it prints and how it
// is classified are as if it had happened here.
type controlError struct {
	ExitCode int    `json:"exit"`
	Code     string `json:"code"`
	Message  string `json:"message"`
	Hint     string `json:"hint"`
}

// Error returns the message.
func (e *controlError) Error() string { return e.Message }

// listenControl returns the listener for jobs. The folder's lock is held, so
// that a socket that is there is a dead one.
func listenControl(dir string) (net.Listener, error) {
	path := filepath.Join(dir, controlSocket)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// serveControl has jobs performed until ctx ends.
func serveControl[Job, Done any](ctx context.Context, l net.Listener, perform func(context.Context, Job) (*Done, error)) error {
	srv := &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := controlAnswerTo(r, perform)
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(answer) // a command that went away has nobody left to tell
		}),
	}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func controlAnswerTo[Job, Done any](r *http.Request, perform func(context.Context, Job) (*Done, error)) controlAnswer {
	var a controlAnswer
	j, err := readJob[Job](r.Body)
	if err == nil {
		var d *Done
		if d, err = perform(r.Context(), j); d != nil {
			var failed error
			a.Done, failed = json.Marshal(d)
			err = errors.Join(err, failed)
		}
	}
	if err != nil {
		a.Error = &controlError{int(exitOf(err)), codeOf(err), err.Error(), hintOf(err)}
	}
	return a
}

func readJob[Job any](r io.Reader) (j Job, err error) {
	d := json.NewDecoder(io.LimitReader(r, maxJob))
	d.DisallowUnknownFields()
	return j, d.Decode(&j)
}

// askServer has the server that has the folder open carry out a job. With an error
// comes what was done before it, if anything was.
func askServer[Done, Job any](ctx context.Context, dir string, j Job) (*Done, error) {
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, controlSocket))
		},
	}}
	body, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://server/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, withHint(fmt.Errorf("%s is open in another process, which does not answer: %w", dir, err), "wait for it, or stop it")
	}
	defer answer.Body.Close()
	var out controlAnswer
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxDone)).Decode(&out); err != nil {
		return nil, fmt.Errorf("the server's answer: %w", err)
	}
	if out.Done == nil && out.Error == nil {
		return nil, errors.New("the server's answer is empty; is it of another version?")
	}
	var done *Done
	if out.Done != nil {
		done = new(Done)
		if err := json.Unmarshal(out.Done, done); err != nil {
			return nil, fmt.Errorf("the server's answer: %w", err)
		}
	}
	if out.Error != nil { // a nil *controlError would be an error
		return done, out.Error
	}
	return done, nil
}
