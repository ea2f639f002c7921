package fetch

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	// userAgent is sent by every client, whatever its version or system: what
	// differs would tell clients apart.
	userAgent = "zkkex"
	// maxResponseHeader bounds the headers of an answer, in bytes.
	maxResponseHeader = 16 << 10
)

// server is a source behind a URL.
type server struct {
	base      *url.URL
	client    *http.Client
	transport *http.Transport
	timeout   time.Duration
}

func newServer(base *url.URL, c *Config) *server {
	t := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		TLSHandshakeTimeout:    Timeout,
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
		t.DialContext = (&net.Dialer{Timeout: Timeout}).DialContext
	}
	s := &server{base: base, transport: t, timeout: c.Timeout}
	if s.timeout == 0 {
		s.timeout = Timeout
	}
	s.client = &http.Client{
		Transport: t,
		CheckRedirect: func(req *http.Request, _ []*http.Request) error {
			return fmt.Errorf("%w: the server points to %s; if that is its new place, configure it", ErrRedirect, req.URL.Redacted())
		},
	}
	return s
}

func (s *server) Read(ctx context.Context, path string, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout, fmt.Errorf("no complete answer in %v: %w", s.timeout, context.DeadlineExceeded))
	defer cancel()
	data, err := s.get(ctx, s.base.JoinPath(path).String(), path, limit)
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("reading %s: %w", path, context.Cause(ctx))
	}
	return data, err
}

func (s *server) get(ctx context.Context, address, path string, limit int64) ([]byte, error) {
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

func (s *server) Close() { s.transport.CloseIdleConnections() }
