package mirror

import (
	"fmt"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/fetch"
)

// Errors of a registry's server.
var (
	// ErrRedirect reports a server that sent the client elsewhere. A redirect is
	// never followed: it would let a server give every client an address of its
	// own, or hand it to a host that was not asked for.
	ErrRedirect = fetch.ErrRedirect
	// ErrServer reports an answer that is neither a file nor "not found".
	ErrServer = fetch.ErrServer
)

// openSource returns where a registry's files come from: a server or a folder.
// They have the same names in both (docs/spec/registry-http.md).
func openSource(c *Config) (fetch.Source, error) {
	s, err := fetch.Open(fetch.Config{URL: c.URL, Folder: c.Folder, Timeout: c.RequestTimeout, Dial: c.Dial, TLS: c.TLS})
	if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	return s, nil
}

func malformed(format, msg string, args ...any) error {
	return &zkkex.ParseError{Format: format, Err: fmt.Errorf(msg, args...)}
}
