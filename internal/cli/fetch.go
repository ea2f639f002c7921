package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// fetchTimeout bounds the fetching of a small file.
const fetchTimeout = 30 * time.Second

// fetch gets a public file of at most limit bytes from a server.
func (a *app) fetch(ctx context.Context, url, what string, limit int) ([]byte, error) {
	dial, err := a.dial()
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	if dial != nil {
		transport.Proxy, transport.DialContext = nil, dial
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, &usageError{err}
	}
	r.Header.Set("User-Agent", "zkkex")
	client := &http.Client{Transport: transport, Timeout: fetchTimeout}
	answer, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: the server answered %s", url, answer.Status)
	}
	data, err := io.ReadAll(io.LimitReader(answer.Body, int64(limit)+1))
	if err != nil {
		return nil, fmt.Errorf("reading the %s: %w", what, err)
	}
	if len(data) > limit {
		return nil, tooLong(what, limit)
	}
	return data, nil
}
