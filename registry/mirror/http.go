package mirror

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"time"
)

// userAgent is sent by every client, whatever its version or system: what
// differs would tell clients apart.
const userAgent = "zkkex"

// Limits of the client's side of HTTP.
const (
	// requestTimeout bounds one request, with its answer's body.
	requestTimeout = 30 * time.Second
	// maxResponseHeader bounds the headers of an answer, in bytes.
	maxResponseHeader = 16 << 10
)

// ErrRedirect reports a server that sent the client elsewhere. A redirect is
// never followed: it would let a server give every client an address of its
// own, or hand it to a host that was not asked for.
var ErrRedirect = errors.New("redirect refused")

// ErrServer reports an answer that is neither a file nor "not found".
var ErrServer = errors.New("unexpected answer of the registry's server")

// httpSource is a source behind a URL. It sends the same headers for every
// client, keeps no cookies, caches and validators, and asks for one file after
// another, so that a request depends on the log and on nothing else.
type httpSource struct {
	base      *url.URL
	client    *http.Client
	transport *http.Transport
	timeout   time.Duration
}

func newHTTPSource(base *url.URL, c *Config) *httpSource {
	t := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		TLSHandshakeTimeout:    requestTimeout,
		DisableCompression:     true, // the size of an answer is known beforehand
		MaxIdleConnsPerHost:    1,
		MaxResponseHeaderBytes: maxResponseHeader,
		ForceAttemptHTTP2:      true,
	}
	if c.TLS != nil {
		t.TLSClientConfig = c.TLS.Clone()
		t.TLSClientConfig.ClientSessionCache = nil // a resumed session names the client
	}
	if c.Dial != nil {
		t.Proxy = nil
		t.DialContext = c.Dial
	} else {
		t.DialContext = (&net.Dialer{Timeout: requestTimeout}).DialContext
	}
	return &httpSource{
		base:      base,
		transport: t,
		timeout:   c.RequestTimeout,
		client: &http.Client{
			Transport: t,
			CheckRedirect: func(req *http.Request, _ []*http.Request) error {
				return fmt.Errorf("%w: the server points to %s; if that is the registry's new place, configure it", ErrRedirect, req.URL.Redacted())
			},
		},
	}
}

func (s *httpSource) read(ctx context.Context, path string, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout, fmt.Errorf("no complete answer in %v: %w", s.timeout, context.DeadlineExceeded))
	defer cancel()
	data, err := s.get(ctx, s.base.JoinPath(path).String(), path, limit)
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("reading %s: %w", path, context.Cause(ctx))
	}
	return data, err
}

func (s *httpSource) get(ctx context.Context, address, path string, limit int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", userAgent)
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusGone:
		return nil, fmt.Errorf("%s: %w on the server", path, fs.ErrNotExist)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%w: %s for %s", ErrServer, resp.Status, path)
	case resp.ContentLength > limit:
		return nil, malformed(path, "%d bytes, expected at most %d", resp.ContentLength, limit)
	}
	return readBounded(resp.Body, path, limit)
}

// close ends the connections, so that a server cannot tie one sync to the next.
func (s *httpSource) close() { s.transport.CloseIdleConnections() }
