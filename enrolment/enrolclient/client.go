// Package enrolclient is the member's side of enrolment over HTTP, as
// docs/spec/registry-http.md has it.
//
// The registrar learns from it who enrols: that is what enrolment is. It should
// learn nothing afterwards, so a member does not ask here whether it is in yet
// for longer than it has to; its own mirror of the registry says so too.
package enrolclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/enrolment"
)

// Limits of the client.
const (
	// requestTimeout bounds one request, with its answer.
	requestTimeout = 30 * time.Second
	// maxAnswer bounds an answer, in bytes.
	maxAnswer = 4096
)

// States of a request. The registrar may have others in later versions.
const (
	// Pending: it waits for the registrar's decision.
	Pending = "pending"
	// Approved: it will be admitted.
	Approved = "approved"
	// Admitted: it is in the registry from the next checkpoint on.
	Admitted = "admitted"
	// Denied: the registrar decided against it; Status.Reason says why.
	Denied = "denied"
)

// Status is how far a request got.
type Status struct {
	// ID is the request's identifier, 64 hexadecimal digits.
	ID string `json:"id"`
	// State is one of the states above.
	State string `json:"state"`
	// Time is when it was admitted or denied.
	Time time.Time `json:"time"`
	// Reason is why it was denied.
	Reason string `json:"reason"`
}

// AnswerError is a registrar's no.
type AnswerError struct {
	// HTTPStatus is the status line, as in "403 Forbidden".
	HTTPStatus string
	// Code says why, in a word: docs/spec/registry-http.md lists them.
	Code string
	// Detail says why, to a person.
	Detail string
}

// Error returns the registrar's words.
func (e *AnswerError) Error() string {
	if e.Code == "" {
		return "the registrar answered " + e.HTTPStatus
	}
	return fmt.Sprintf("the registrar refused: %s: %s", e.Code, e.Detail)
}

// Is reports whether target is [zkkex.ErrRejected], for an answer about what
// was asked, and not about the registrar's own trouble.
func (e *AnswerError) Is(target error) bool {
	return target == zkkex.ErrRejected && strings.HasPrefix(e.HTTPStatus, "4")
}

// ErrRedirect reports a registrar's server that points elsewhere. An enrolment
// is never sent to a host that was not asked for.
var ErrRedirect = errors.New("redirect refused")

// Client talks to one registrar. It is safe for concurrent use.
type Client struct {
	base *url.URL
	http *http.Client
}

// New returns a client for the registry at a URL, https:// or http://. A dial
// function, if not nil, makes the connections: a SOCKS5 proxy's, say.
func New(registry string, dial func(ctx context.Context, network, address string) (net.Conn, error)) (*Client, error) {
	base, err := url.Parse(registry)
	if err != nil {
		return nil, fmt.Errorf("registry URL: %w", err)
	}
	if (base.Scheme != "https" && base.Scheme != "http") || base.Host == "" {
		return nil, fmt.Errorf("registry URL %q, expected one that begins with https:// or http://", registry)
	}
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	if dial != nil {
		t.Proxy, t.DialContext = nil, dial
	}
	return &Client{base: base, http: &http.Client{
		Transport: t,
		Timeout:   requestTimeout,
		CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			return fmt.Errorf("%w: the server points to %s; if that is the registry's new place, configure it", ErrRedirect, r.URL.Redacted())
		},
	}}, nil
}

// Challenge fetches a challenge to sign.
func (c *Client) Challenge(ctx context.Context) (enrolment.Challenge, error) {
	text, err := c.do(ctx, http.MethodGet, nil, "enrol", "challenge")
	if err != nil {
		return enrolment.Challenge{}, err
	}
	return enrolment.ParseChallenge(strings.TrimSuffix(string(text), "\n"))
}

// Submit sends a request, a [*enrolment.Request] or a [*enrolment.DeviceRequest].
// To send it again is harmless.
func (c *Client) Submit(ctx context.Context, r enrolment.Application) (Status, error) {
	text, err := r.MarshalText()
	if err != nil {
		return Status{}, err
	}
	return c.status(c.do(ctx, http.MethodPost, text, "enrol"))
}

// Status asks how far a request got.
func (c *Client) Status(ctx context.Context, id string) (Status, error) {
	if _, err := zkkex.ParseHex(id); err != nil {
		return Status{}, fmt.Errorf("request identifier: %w", err)
	}
	return c.status(c.do(ctx, http.MethodGet, nil, "enrol", "status", id))
}

func (c *Client) status(text []byte, err error) (Status, error) {
	if err != nil {
		return Status{}, err
	}
	var s Status
	if err := json.Unmarshal(text, &s); err != nil {
		return Status{}, &zkkex.ParseError{Format: "enrolment status", Err: err}
	}
	if _, err := zkkex.ParseHex(s.ID); err != nil || s.State == "" {
		return Status{}, &zkkex.ParseError{Format: "enrolment status", Err: fmt.Errorf("expected an id of 64 digits and a state, got %.200q", text)}
	}
	return s, nil
}

func (c *Client) do(ctx context.Context, method string, body []byte, path ...string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base.JoinPath(path...).String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "zkkex")
	if body != nil {
		req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	if len(answer) > maxAnswer {
		return nil, &zkkex.ParseError{Format: "registrar's answer", Err: fmt.Errorf("more than %d bytes", maxAnswer)}
	}
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return answer, nil
	}
	no := &AnswerError{HTTPStatus: resp.Status}
	var said struct{ Error, Detail string }
	if json.Unmarshal(answer, &said) == nil {
		no.Code, no.Detail = said.Error, said.Detail
	}
	return nil, no
}
