package venue

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex/internal/atomicfile"
)

// Export writes what clients fetch into a folder, which it creates if there is
// none: the files of [Venue.Handler], under the same names, the newest descriptor
// last. Any web server can serve it, and clients can read it without one. To
// export again, after every rotation, adds what is new. It returns the number of
// the newest descriptor exported.
//
// A proof that is there stays: it is good for ever, with the checkpoint in it.
func (v *Venue) Export(dir string) (uint64, error) {
	v.issuing.Lock() // one checkpoint throughout
	defer v.issuing.Unlock()
	n, err := v.published()
	if err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, fmt.Errorf("%w: rotate first", ErrNotPublished)
	}
	for i := uint64(1); i <= n; i++ {
		number := strconv.FormatUint(i, 10)
		if err := v.exportNew(dir, descriptorPrefix+number, proofPrefix+number); err != nil {
			return 0, err
		}
	}
	for _, tile := range logTiles(int64(n)) {
		if err := v.export(dir, torchwood.TilePath(tile)); err != nil {
			return 0, err
		}
	}
	for _, name := range []string{identityName, checkpointName, latestName} {
		if err := v.export(dir, name); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// logTiles lists the tiles of a log: of hashes, and of entries, as many as there
// are of hashes at level 0.
func logTiles(size int64) []tlog.Tile {
	tiles := tlog.NewTiles(torchwood.TileHeight, 0, size)
	for _, t := range tiles {
		if t.L == 0 {
			t.L = -1
			tiles = append(tiles, t)
		}
	}
	return tiles
}

// exportNew writes the files that are not there yet.
func (v *Venue) exportNew(dir string, names ...string) error {
	for _, name := range names {
		_, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			err = v.export(dir, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// export writes a file unless it is there already, byte by byte.
func (v *Venue) export(dir, name string) error {
	file, err := v.file(name)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, filepath.FromSlash(name))
	old, err := os.ReadFile(path)
	if err == nil && bytes.Equal(old, file.body) {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("exporting: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("exporting: %w", err)
	}
	if err := atomicfile.Write(path, file.body, 0o644); err != nil {
		return fmt.Errorf("exporting: %w", err)
	}
	return nil
}
