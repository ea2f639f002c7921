package mailbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Limits of a [Client].
const (
	requestTimeout = 30 * time.Second
	postAttempts   = 3
)

// Client is a mailbox over HTTP. It is safe for concurrent use.
//
// It tells the server nothing but what it asks for: no cookie, no version, and
// redirects are not followed. Requests over one connection are known to be one
// sender's; give each message a client of its own where that matters.
type Client struct {
	base string
	http *http.Client
}

// NewClient returns the mailbox at an http or https address, such as
// "https://venue.example". h makes the requests, through a proxy for one; nil is
// Go's own. Its cookies and redirects are not used.
func NewClient(base string, h *http.Client) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("mailbox: %q: expected an address like https://venue.example", base)
	}
	own := http.Client{}
	if h != nil {
		own = *h
	}
	own.Jar = nil
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if own.Timeout == 0 {
		own.Timeout = requestTimeout
	}
	return &Client{base: strings.TrimSuffix(base, "/"), http: &own}, nil
}

// Post implements [Mailbox]. A request whose answer is lost is made again, and
// leaves one message all the same.
func (c *Client) Post(ctx context.Context, message []byte) (ID, error) {
	id := NewID()
	if err := checkSize("message", message, MaxMessage); err != nil {
		return ID{}, err
	}
	var err error
	for range postAttempts {
		var r *response
		if r, err = c.do(ctx, http.MethodPut, id, message); err == nil {
			return id, r.expect(http.StatusNoContent)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return ID{}, err
}

// Answer implements [Mailbox].
func (c *Client) Answer(ctx context.Context, id ID) ([]byte, error) {
	r, err := c.do(ctx, http.MethodGet, id, nil)
	if err != nil {
		return nil, err
	}
	if r.status == http.StatusNoContent {
		return nil, fmt.Errorf("mailbox: %w", ErrNoAnswer)
	}
	if err := r.expect(http.StatusOK); err != nil {
		return nil, err
	}
	if err := checkSize("answer", r.body, MaxAnswer); err != nil {
		return nil, err
	}
	return r.body, nil
}

// response is what came back, at most a byte longer than an answer.
type response struct {
	status int
	body   []byte
}

func (c *Client) do(ctx context.Context, method string, id ID, body []byte) (*response, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base+Path+id.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("mailbox: %w", err)
	}
	request.Header.Set("User-Agent", "zkkex")
	if body != nil {
		request.Header.Set("Content-Type", "application/octet-stream")
	}
	r, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("mailbox: %w", err)
	}
	defer r.Body.Close()
	content, err := io.ReadAll(io.LimitReader(r.Body, MaxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("mailbox: reading the answer: %w", err)
	}
	return &response{r.StatusCode, content}, nil
}

// expect turns every other status into an error.
func (r *response) expect(status int) error {
	switch r.status {
	case status:
		return nil
	case http.StatusTooManyRequests:
		return fmt.Errorf("mailbox: %w", ErrBusy)
	case http.StatusServiceUnavailable:
		return fmt.Errorf("mailbox: %w", ErrFull)
	case http.StatusConflict:
		return fmt.Errorf("mailbox: %w", ErrTaken)
	default:
		return fmt.Errorf("mailbox: status %d, expected %d: %w", r.status, status, errNoMailbox)
	}
}

// errNoMailbox reports a server that answers as none does.
var errNoMailbox = errors.New("there is no zkkex mailbox at this address")
