package mirror

import (
	"context"
	"errors"
	"io/fs"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex/internal/fetch"
)

// maxCachedTiles bounds the hash tiles kept during a sync, 8 KiB each.
const maxCachedTiles = 64

// tiles reads the hash tiles of a log from a source. It caches those that
// package tlog confirmed.
type tiles struct {
	ctx    context.Context // of one sync; package tlog has no place for it
	source fetch.Source
	cache  map[tlog.Tile][]byte
	stats  *Report
	err    error // of the last read, to tell it from one of package tlog
}

// Height is that of c2sp.org/tlog-tiles: 256 hashes.
func (t *tiles) Height() int { return torchwood.TileHeight }

// ReadTiles returns tiles of exactly the right size, each of them whole.
func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(wanted))
	for i, tile := range wanted {
		if cached, ok := t.cache[tile]; ok {
			data[i] = cached
			continue
		}
		var err error
		if data[i], err = t.read(tile, tlog.HashSize); err != nil {
			t.err = err
			return nil, err
		}
	}
	return data, nil
}

// SaveTiles caches tiles that were checked.
func (t *tiles) SaveTiles(confirmed []tlog.Tile, data [][]byte) {
	if len(t.cache)+len(confirmed) > maxCachedTiles {
		clear(t.cache)
	}
	for i, tile := range confirmed[:min(len(confirmed), maxCachedTiles)] {
		t.cache[tile] = data[i]
	}
}

// read returns a tile of hashes or entries, whose elements have a size that is
// known. Where a server has dropped a partial tile because the full one is
// there, it takes the full one's beginning.
func (t *tiles) read(tile tlog.Tile, elementSize int) ([]byte, error) {
	data, err := t.readExactly(tile, elementSize)
	if !errors.Is(err, fs.ErrNotExist) || tile.W == torchwood.TileWidth {
		return data, err
	}
	full := tile
	full.W = torchwood.TileWidth
	data, fullErr := t.readExactly(full, elementSize)
	if fullErr != nil {
		return nil, err
	}
	return data[:tile.W*elementSize], nil
}

func (t *tiles) readExactly(tile tlog.Tile, elementSize int) ([]byte, error) {
	path, size := torchwood.TilePath(tile), tile.W*elementSize
	data, err := t.source.Read(t.ctx, path, int64(size))
	if err != nil {
		return nil, err
	}
	if len(data) != size {
		return nil, malformed(path, "%d bytes, expected %d", len(data), size)
	}
	t.stats.Requests++
	t.stats.Bytes += uint64(size)
	return data, nil
}
