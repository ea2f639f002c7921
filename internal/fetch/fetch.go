// Package fetch reads the files of a server, or of a folder with the same files,
// with requests that say nothing about who asks: the same headers for everybody,
// no cookies, no caches, no redirects, one file after another.
package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/zkkex/zkkex"
)

// Errors of a server.
var (
	// ErrRedirect reports a server that sent the client elsewhere. A redirect is
	// never followed: it would let a server give every client an address of its
	// own, or hand it to a host that was not asked for.
	ErrRedirect = errors.New("redirect refused")
	// ErrServer reports an answer that is neither a file nor "not found".
	ErrServer = errors.New("unexpected answer of the server")
)

// Timeout bounds one request, with its answer's body, unless a [Config] says
// otherwise.
const Timeout = 30 * time.Second

// Config says where files are.
type Config struct {
	// URL is http:// or https:// for a server, file:// for a folder. Unused if
	// Folder is set.
	URL string
	// Folder holds the files, if there is no URL.
	Folder fs.FS
	// Timeout bounds one request, with its answer; 0 is [Timeout].
	Timeout time.Duration
	// Dial, if set, makes the connections: a SOCKS5 proxy's, say. Otherwise the
	// proxy of the environment is used, if there is one.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// TLS configures https, for a private certificate authority. Session
	// resumption is switched off in any case.
	TLS *tls.Config
}

// Source is where files come from.
type Source interface {
	// Read returns the file at path, which has at most limit bytes. It returns
	// an error wrapping [fs.ErrNotExist] if there is none, [zkkex.ErrMalformed]
	// if it is longer, [ErrRedirect] or [ErrServer], and those of the network
	// and of ctx.
	Read(ctx context.Context, path string, limit int64) ([]byte, error)
	// Close ends the connections, so that a server cannot tie what is read now
	// to what is read later. The source can still be used.
	Close()
}

// Open returns the source that a configuration names. It asks for nothing yet.
func Open(c Config) (Source, error) {
	if c.Folder != nil {
		return folder{c.Folder}, nil
	}
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, err
	}
	switch u.Scheme {
	case "http", "https":
		if u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			return nil, fmt.Errorf("URL %q, expected scheme, host and path alone", c.URL)
		}
		return newServer(u, &c), nil
	case "file":
		if u.Host != "" || u.Path == "" {
			return nil, fmt.Errorf("URL %q, expected file:///path/of/the/folder", c.URL)
		}
		return folder{os.DirFS(filepath.FromSlash(u.Path))}, nil
	default:
		return nil, fmt.Errorf("URL %q, expected one that begins with https://, http:// or file://", c.URL)
	}
}

// folder is a source on a disk.
type folder struct{ fsys fs.FS }

func (f folder) Read(ctx context.Context, path string, limit int64) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	file, err := f.fsys.Open(path)
	if err != nil {
		return nil, err
	}
	data, err := readBounded(file, path, limit)
	return data, errors.Join(err, file.Close())
}

func (folder) Close() {}

// readBounded reads r to its end, which must come after at most limit bytes.
func readBounded(r io.Reader, path string, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if int64(len(data)) > limit {
		return nil, malformed(path, "more than %d bytes", limit)
	}
	return data, nil
}

func malformed(format, msg string, args ...any) error {
	return &zkkex.ParseError{Format: format, Err: fmt.Errorf(msg, args...)}
}
