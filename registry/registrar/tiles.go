package registrar

import (
	"fmt"
	"io/fs"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"
)

// TileError reports a tile that does not exist: the path is not one of a tile,
// or the published log does not reach it. It matches [fs.ErrNotExist].
type TileError struct {
	// Path is the path asked for.
	Path string
	// Detail says what there is.
	Detail string
}

// Error returns path and detail.
func (e *TileError) Error() string { return fmt.Sprintf("no tile %.200q: %s", e.Path, e.Detail) }

// Is reports whether target is [fs.ErrNotExist].
func (e *TileError) Is(target error) bool { return target == fs.ErrNotExist }

// Tile returns a tile of the published log: hashes at "tile/<L>/<N>[.p/<W>]", or
// operations at "tile/entries/<N>[.p/<W>]", each preceded by its length as a
// big-endian uint16 (c2sp.org/tlog-tiles). Operations that no checkpoint covers
// yet are not served. It returns a [*TileError] if there is no such tile.
func (r *Registrar) Tile(path string) ([]byte, error) {
	tile, err := torchwood.ParseTilePath(path)
	if err != nil || tile.H != tileHeight || torchwood.TilePath(tile) != path {
		return nil, &TileError{Path: path, Detail: "expected tile/<level>/<number> or tile/entries/<number>, in the form of c2sp.org/tlog-tiles"}
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return nil, ErrClosed
	}
	if err := r.checkPublishedTile(path, tile); err != nil {
		return nil, err
	}
	first := uint64(tile.N) * tileWidth
	if tile.L == -1 {
		return r.entries(first, uint64(tile.W))
	}
	hashes, err := r.log.row(tile.L, first, uint64(tile.W))
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		out = append(out, h[:]...)
	}
	return out, nil
}

// maxTileLevel bounds L, so that no shift below overflows: 256^6 operations are
// beyond any log.
const maxTileLevel = 5

func (r *Registrar) checkPublishedTile(path string, tile tlog.Tile) error {
	var published uint64
	if r.published != nil {
		published = r.published.Sequence
	}
	level := max(tile.L, 0)
	if level > maxTileLevel {
		return &TileError{Path: path, Detail: "the level is beyond any log"}
	}
	available := published >> (level * tileHeight)
	if number := uint64(tile.N); number > available/tileWidth || uint64(tile.W) > available-number*tileWidth {
		return &TileError{Path: path, Detail: fmt.Sprintf("the published log has %d operations", published)}
	}
	return nil
}

func (r *Registrar) entries(first, count uint64) (out []byte, err error) {
	entryErr := r.log.operations(first, count, func(operation []byte) {
		if err == nil {
			out, err = torchwood.AppendTileEntry(out, operation)
		}
	})
	if entryErr != nil {
		return nil, entryErr
	}
	return out, err
}
