package softkey

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/regularfile"
	"github.com/zkkex/zkkex/keys/signer"
)

// ReadFile returns a regular file of at most so many bytes, and its mode. It returns an
// error wrapping [signer.ErrNoKey] if there is none, [regularfile.ErrIrregular] for a
// folder or pipe, and [zkkex.ErrMalformed] if it is longer.
func ReadFile(path string, most int64) ([]byte, fs.FileMode, error) {
	dir, name := filepath.Split(filepath.Clean(path))
	if dir == "" {
		dir = "."
	}
	f, info, err := regularfile.Open(os.DirFS(dir), name)
	if errors.Is(err, fs.ErrNotExist) {
		hint := ""
		if strings.HasPrefix(path, "~") {
			hint = "; a shell replaces ~ at the beginning of a word only: write $HOME"
		}
		return nil, 0, fmt.Errorf("%w: %w%s", signer.ErrNoKey, err, hint)
	}
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, 0, err
	}
	if int64(len(text)) > most {
		return nil, 0, &zkkex.ParseError{Format: "key file", Err: fmt.Errorf("%s: expected at most %d bytes, got more", path, most)}
	}
	return text, info.Mode().Perm(), nil
}
