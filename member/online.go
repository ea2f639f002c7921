package member

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/enrolment"
)

// Limits of the client's side of HTTP.
const (
	// requestTimeout bounds one request, with its answer.
	requestTimeout = 30 * time.Second
	// maxAnswer bounds an answer, in bytes.
	maxAnswer = 4096
)

// userAgent is the same for every client: what differs would tell them apart.
const userAgent = "zkkex"

// Errors of enrolment over a network.
var (
	// ErrOffline reports a registry that is a folder, which answers nothing.
	ErrOffline = errors.New("the registry is a folder: it takes no requests; enrol offline, with a challenge")
	// ErrNoRequest reports that nothing was asked of a registry yet.
	ErrNoRequest = errors.New("no enrolment request was made to this registry")
)

// AnswerError is a registrar's answer that is neither yes nor no.
type AnswerError struct {
	// Status is the HTTP status.
	Status int
	// Code and Detail are what the registrar says.
	Code, Detail string
}

// Error returns what the registrar says.
func (e *AnswerError) Error() string {
	return fmt.Sprintf("the registrar answered %d: %s: %s", e.Status, e.Code, e.Detail)
}

// State is how far an enrolment request got.
type State string

// States of a request.
const (
	// Pending: it waits for the registrar's decision.
	Pending State = "pending"
	// Approved: it will be admitted.
	Approved State = "approved"
	// Admitted: it is in the log, and in the next checkpoint.
	Admitted State = "admitted"
	// Denied: the registrar decided against it.
	Denied State = "denied"
)

// Outcome is what a registrar says about a request.
type Outcome struct {
	// ID identifies the request: the digest of its text, in hexadecimal.
	ID string `json:"id"`
	// State is how far it got.
	State State `json:"state"`
	// Time is when it was admitted or denied, in RFC 3339, or "".
	Time string `json:"time,omitempty"`
	// Reason is why it was denied.
	Reason string `json:"reason,omitempty"`
}

// Enrol asks a registry's server for admission: it gets a challenge, answers
// it, and returns what the server says. To ask again is harmless. The registrar
// learns the public key, H(nk) and the address the connection comes from. It
// returns an error wrapping [ErrNoRegistry] or [ErrOffline], [zkkex.ErrRejected]
// if the registrar refuses the request, an [*AnswerError], or the network's.
func (m *Member) Enrol(ctx context.Context, id zkkex.RegistryID) (*Outcome, error) {
	c, err := m.client(id)
	if err != nil {
		return nil, err
	}
	defer c.close()
	text, err := c.get(ctx, "enrol/challenge")
	if err != nil {
		return nil, err
	}
	challenge, err := enrolment.ParseChallenge(string(bytes.TrimSuffix(text, []byte("\n"))))
	if err != nil {
		return nil, err
	}
	if challenge.Registry != id {
		return nil, fmt.Errorf("the server is another registry's: its challenge is of %v, expected %v", challenge.Registry, id)
	}
	request, err := m.EnrolOffline(challenge)
	if err != nil {
		return nil, err
	}
	signed, _ := request.MarshalText()
	answer, err := c.do(ctx, http.MethodPost, "enrol", signed)
	if err != nil {
		return nil, err
	}
	return parseOutcome(answer, request)
}

// Outcome asks a registry's server how far the last request got. It returns an
// error wrapping [ErrNoRequest] if there was none, and those of [Member.Enrol].
func (m *Member) Outcome(ctx context.Context, id zkkex.RegistryID) (*Outcome, error) {
	request, err := m.request(id)
	if err != nil {
		return nil, err
	}
	if request == nil {
		return nil, ErrNoRequest
	}
	c, err := m.client(id)
	if err != nil {
		return nil, err
	}
	defer c.close()
	answer, err := c.get(ctx, "enrol/status/"+requestID(request))
	if err != nil {
		return nil, err
	}
	return parseOutcome(answer, request)
}

// AskKey returns the verifier key that a server says it has. It proves nothing:
// a person compares it with what the registrar says by another way, and then
// calls [Member.Trust].
func AskKey(ctx context.Context, address string, o Options) (string, error) {
	c, err := newClient(address, o)
	if err != nil {
		return "", err
	}
	defer c.close()
	text, err := c.get(ctx, "key")
	if err != nil {
		return "", err
	}
	key := string(bytes.TrimSuffix(text, []byte("\n")))
	return key, Registry{URL: address, VerifierKey: key}.check()
}

func requestID(r *enrolment.Request) string {
	digest := r.Digest()
	return hex.EncodeToString(digest[:])
}

func parseOutcome(answer []byte, r *enrolment.Request) (*Outcome, error) {
	decoder := json.NewDecoder(bytes.NewReader(answer))
	var o Outcome
	if err := decoder.Decode(&o); err != nil {
		return nil, &zkkex.ParseError{Format: "registrar's answer", Err: err}
	}
	if o.ID != requestID(r) || !slices.Contains([]State{Pending, Approved, Admitted, Denied}, o.State) {
		return nil, &zkkex.ParseError{Format: "registrar's answer", Err: fmt.Errorf("state %.20q of request %.70q, expected one of request %s", o.State, o.ID, requestID(r))}
	}
	return &o, nil
}

// client talks to one registry's server. It sends the same headers for every
// member, keeps no cookies and follows no redirects.
type client struct {
	base *url.URL
	http *http.Client
}

func (m *Member) client(id zkkex.RegistryID) (*client, error) {
	m.mu.Lock()
	r, err := m.registry(id)
	m.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return newClient(r.URL, m.options)
}

func newClient(address string, o Options) (*client, error) {
	base, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("registry URL: %w", err)
	}
	if base.Scheme == "file" {
		return nil, ErrOffline
	}
	transport := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: requestTimeout}).DialContext,
		TLSHandshakeTimeout:    requestTimeout,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 16 << 10,
		ForceAttemptHTTP2:      true,
	}
	if o.Dial != nil {
		transport.Proxy, transport.DialContext = nil, o.Dial
	}
	return &client{base: base, http: &http.Client{
		Transport: transport,
		Timeout:   requestTimeout,
		CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			return fmt.Errorf("the server points to %s, and redirects are not followed; if that is the registry's new place, trust it there", r.URL.Redacted())
		},
	}}, nil
}

func (c *client) close() { c.http.CloseIdleConnections() }

func (c *client) get(ctx context.Context, path string) ([]byte, error) {
	return c.do(ctx, http.MethodGet, path, nil)
}

func (c *client) do(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base.JoinPath(path).String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", userAgent)
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := readAtMost(answer.Body, maxAnswer)
	if err != nil {
		return nil, fmt.Errorf("reading the registrar's answer: %w", err)
	}
	if len(text) > maxAnswer {
		return nil, &zkkex.ParseError{Format: "registrar's answer", Err: fmt.Errorf("expected at most %d bytes, got more", maxAnswer)}
	}
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusAccepted {
		return nil, refusal(answer.StatusCode, text)
	}
	return text, nil
}

// refusal makes an error of the registrar's {"error": code, "detail": ...}. What
// it says is quoted by whoever prints it.
func refusal(status int, text []byte) error {
	var said struct {
		Error  string `json:"error"`
		Detail string `json:"detail"`
	}
	if err := json.Unmarshal(text, &said); err != nil || said.Error == "" {
		return &AnswerError{Status: status, Code: "unknown", Detail: http.StatusText(status)}
	}
	if status == http.StatusForbidden {
		return zkkex.Reject(zkkex.Reason(said.Error), "the registrar says: %s", said.Detail)
	}
	return &AnswerError{Status: status, Code: said.Error, Detail: said.Detail}
}
