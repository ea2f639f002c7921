package mirror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/zkkex/zkkex"
)

// source is where a registry's files come from: a server or a folder. They have
// the same names in both (docs/spec/registry-http.md).
type source interface {
	// read returns the file at path, which has at most limit bytes. It returns
	// an error wrapping [fs.ErrNotExist] if there is none, and
	// [zkkex.ErrMalformed] if it is longer.
	read(ctx context.Context, path string, limit int64) ([]byte, error)
	// close lets go of connections.
	close()
}

// newSource returns the source that a configuration names.
func newSource(c *Config) (source, error) {
	if c.Folder != nil {
		return folder{c.Folder}, nil
	}
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, fmt.Errorf("registry URL: %w", err)
	}
	switch u.Scheme {
	case "http", "https":
		if u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			return nil, fmt.Errorf("registry URL %q, expected scheme, host and path alone", c.URL)
		}
		return newHTTPSource(u, c), nil
	case "file":
		if u.Host != "" || u.Path == "" {
			return nil, fmt.Errorf("registry URL %q, expected file:///path/of/the/folder", c.URL)
		}
		return folder{os.DirFS(filepath.FromSlash(u.Path))}, nil
	default:
		return nil, fmt.Errorf("registry URL %q, expected one that begins with https://, http:// or file://", c.URL)
	}
}

// folder is a source on a disk, as the registrar exports it.
type folder struct{ fsys fs.FS }

func (f folder) read(ctx context.Context, path string, limit int64) ([]byte, error) {
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

func (folder) close() {}

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
