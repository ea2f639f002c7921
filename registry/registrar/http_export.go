package registrar

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/registry"
)

// Export writes the published registry into a folder, which it creates if there
// is none: the files that a server serves, under the same names, the checkpoint
// last. The folder can be carried to machines without a network, or served by
// any web server; a mirror syncs from it. To export again adds what is new and
// mends what is damaged. It returns the checkpoint exported.
func (r *Registrar) Export(dir string) (*registry.SignedCheckpoint, error) {
	c := r.Published()
	if c == nil {
		return nil, errors.New("no checkpoint is published yet; sign one first")
	}
	for _, tile := range exportedTiles(int64(c.Sequence)) {
		path := torchwood.TilePath(tile)
		data, err := r.Tile(path)
		if err != nil {
			return nil, err
		}
		if err := exportFile(dir, path, data); err != nil {
			return nil, err
		}
	}
	if err := exportFile(dir, "key", []byte(r.VerifierKey()+"\n")); err != nil {
		return nil, err
	}
	return c, exportFile(dir, "checkpoint", c.Note)
}

// exportedTiles lists the tiles of a log: of hashes, and of entries, as many as
// there are of hashes at level 0.
func exportedTiles(size int64) []tlog.Tile {
	tiles := tlog.NewTiles(torchwood.TileHeight, 0, size)
	for _, t := range tiles {
		if t.L == 0 {
			t.L = -1
			tiles = append(tiles, t)
		}
	}
	return tiles
}

// exportFile writes a file unless it is there already, byte by byte.
func exportFile(dir, name string, data []byte) error {
	path := filepath.Join(dir, filepath.FromSlash(name))
	old, err := os.ReadFile(path)
	if err == nil && bytes.Equal(old, data) {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("exporting: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("exporting: %w", err)
	}
	if err := atomicfile.Write(path, data, 0o644); err != nil {
		return fmt.Errorf("exporting: %w", err)
	}
	return nil
}
