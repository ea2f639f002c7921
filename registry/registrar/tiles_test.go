package registrar

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"testing"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex/registry"
)

// referenceHashes are the hashes of a log as x/mod computes and stores them.
type referenceHashes []tlog.Hash

func (h referenceHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		out[i] = h[index]
	}
	return out, nil
}

// newReference replays a registry's published operations.
func newReference(t *testing.T, r *Registrar) (h referenceHashes, entries [][]byte) {
	t.Helper()
	entries, err := publicEntries(r, r.Published().Sequence)
	if err != nil {
		t.Fatal(err)
	}
	for n, entry := range entries {
		more, err := tlog.StoredHashes(int64(n), entry, h)
		if err != nil {
			t.Fatal(err)
		}
		h = append(h, more...)
	}
	return h, entries
}

// largeRegistry has operations beyond two tiles' width, so that a second level
// of tiles exists.
func largeRegistry(t *testing.T) (string, *Registrar) {
	t.Helper()
	dir, r := newRegistrar(t)
	if _, err := r.admitAll(2*tileWidth+77, func(i int) *candidate { return fakeCandidate(uint64(i)) }, testTime); err != nil {
		t.Fatal(err)
	}
	if _, err := r.RevokeIndex(300, testTime); err != nil {
		t.Fatal(err)
	}
	checkpoint(t, r, testTime)
	return dir, r
}

func TestTilesEqualReference(t *testing.T) {
	dir, r := largeRegistry(t)
	for range 2 {
		reference, entries := newReference(t, r)
		size := int64(len(entries))
		if size != 2*tileWidth+78 {
			t.Fatalf("%d operations", size)
		}
		seen := 0
		for _, tile := range tlog.NewTiles(tileHeight, 0, size) {
			want, err := tlog.ReadTileData(tile, reference)
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.Tile(torchwood.TilePath(tile))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: %d bytes, %v; expected %d", torchwood.TilePath(tile), len(got), err, len(want))
			}
			seen++
		}
		if seen != 4 {
			t.Errorf("%d tiles, expected three of level 0 and one of level 1", seen)
		}
		r = reopen(t, dir, r)
	}
}

// TestHashesEqualReference compares every stored hash, and the roots of all
// smaller logs.
func TestHashesEqualReference(t *testing.T) {
	_, r := largeRegistry(t)
	reference, entries := newReference(t, r)
	for index := range int64(len(reference)) {
		got, err := r.Hashes().ReadHashes([]int64{index})
		if err != nil || got[0] != reference[index] {
			t.Fatalf("hash %d: %v, %v; expected %v", index, got, err, reference[index])
		}
	}
	for n := range int64(len(entries) + 1) {
		got, err := tlog.TreeHash(n, r.Hashes())
		if err != nil {
			t.Fatal(err)
		}
		if want, err := tlog.TreeHash(n, reference); err != nil || got != want {
			t.Fatalf("root of %d operations: %v, expected %v, %v", n, got, want, err)
		}
	}
	for _, n := range []int64{1, 255, 256, 257, 512, int64(len(entries)) - 1} {
		if _, err := tlog.ProveTree(int64(len(entries)), n, r.Hashes()); err != nil {
			t.Errorf("proof from %d: %v", n, err)
		}
	}
	beyond := tlog.StoredHashIndex(0, int64(len(entries)))
	for _, index := range []int64{beyond, tlog.StoredHashIndex(8, 3), tlog.StoredHashIndex(16, 0), tlog.StoredHashIndex(40, 0)} {
		if _, err := r.Hashes().ReadHashes([]int64{index}); err == nil {
			t.Errorf("hash %d of a log that does not reach it: no error", index)
		}
	}
}

// TestThirdTileLevel crosses 256^2 operations, without a disk.
func TestThirdTileLevel(t *testing.T) {
	l := &logHashes{}
	var reference referenceHashes
	entry := []byte("operation")
	const n = tileWidth*tileWidth + tileWidth + 3
	for i := range int64(n) {
		l.append(entry)
		more, err := tlog.StoredHashes(i, entry, reference)
		if err != nil {
			t.Fatal(err)
		}
		reference = append(reference, more...)
	}
	if l.size() != n || len(l.roots) != 2 || len(l.roots[1]) != 1 {
		t.Fatalf("%d operations, %d levels", l.size(), len(l.roots))
	}
	for level := 8; level <= 16; level++ {
		index := tlog.StoredHashIndex(level, 0)
		got, err := l.ReadHashes([]int64{index})
		if err != nil || got[0] != reference[index] {
			t.Errorf("level %d: %v, %v; expected %v", level, got, err, reference[index])
		}
	}
}

func TestTileRefuses(t *testing.T) {
	_, r := largeRegistry(t)
	fakeAdmit(t, r, 9000) // not published yet
	size := r.Published().Sequence
	for _, path := range []string{
		"", "tile", "tile/", "tile/0", "tile/0/", "tile/0/3", "tile/00/000", "tile/0/0", "tile/-1/000", "tile/data/000", "tile/8/0/000",
		"tile/entries/-01", "tile/entries/000.p/0", "tile/entries/000.p/256", "tile/entries/000.p/01", "tile/entries/002",
		"tile/0/002", "tile/1/000", "tile/1/000.p/3", "tile/2/000.p/1", "tile/5/000.p/1", "tile/6/000.p/1", "tile/63/000.p/1",
		"tile/0/x072/x057/x594/x037/x927/935", "tile/entries/x036/x028/x797/x018/x963/968", "../journal", "tile/entries/../../journal",
		torchwood.TilePath(tlog.Tile{H: tileHeight, L: -1, N: 2, W: int(size%tileWidth) + 1}),
	} {
		data, err := r.Tile(path)
		var tileErr *TileError
		if !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &tileErr) || data != nil {
			t.Errorf("%q: %d bytes, %v; want a TileError", path, len(data), err)
		}
	}
	for _, path := range []string{"tile/entries/000", "tile/entries/000.p/255", "tile/entries/002.p/1", "tile/0/001", "tile/1/000.p/1", "tile/1/000.p/2"} {
		if _, err := r.Tile(path); err != nil {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func FuzzTile(f *testing.F) {
	for _, path := range []string{"tile/entries/000.p/3", "tile/0/000.p/3", "tile/1/000", "tile/entries/x001/000", "tile/0/x999/x999/x999/x999/x999/x999/999"} {
		f.Add(path)
	}
	j := &journal{}
	r := &Registrar{journal: j, log: &logHashes{journal: j}, published: &registry.SignedCheckpoint{}}
	for range 3 {
		r.log.append([]byte("operation"))
	}
	r.published.Sequence = 3
	f.Fuzz(func(t *testing.T, path string) {
		// Operations would be read from a journal; hashes alone are here.
		data, err := r.Tile(path)
		if err == nil && (len(data) == 0 || len(data) > 3*tlog.HashSize) {
			t.Fatalf("%q: %d bytes of a log of 3 operations", path, len(data))
		}
	})
}

// TestPublicFilesHoldNoKeys looks for what only the registrar may know in everything public:
// files, tiles and checkpoints (design.md, section 1). A planted leak must be
// found.
func TestPublicFilesHoldNoKeys(t *testing.T) {
	_, r := newRegistrar(t)
	members := []*Member{}
	for n := range uint64(20) {
		fakeAdmit(t, r, n)
	}
	if _, err := r.RevokeIndex(19, testTime); err != nil {
		t.Fatal(err)
	}
	checkpoint(t, r, testTime)
	for i := range uint64(19) {
		m, err := r.Member(i)
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, m)
	}
	files := snapshot(t, r.dir)
	public := []byte(files[checkpointFile] + files[checkpointsFile] + files[configFile])
	for _, path := range []string{"tile/entries/000.p/21", "tile/0/000.p/21"} {
		tile, err := r.Tile(path)
		if err != nil {
			t.Fatal(err)
		}
		public = append(public, tile...)
	}
	if m := findSecret(public, members); m != nil {
		t.Errorf("a public file holds what only the registrar may know of member %d", m.Index)
	}
	for _, m := range members {
		if !bytes.Contains(public, m.Leaf[:]) {
			t.Fatalf("the leaf of member %d is not in the public log; the test looks at the wrong bytes", m.Index)
		}
	}
	victim := members[rand.IntN(len(members))]
	for _, leak := range [][]byte{victim.Key, victim.NullifierKeyHash[:], victim.Key[8:24]} {
		if findSecret(append(bytes.Clone(public), leak...), members) != victim {
			t.Errorf("a planted leak of %d bytes was not found", len(leak))
		}
	}
	if findSecret([]byte(files[journalFile]), members) == nil {
		t.Error("the journal holds no keys; the test looks for the wrong bytes")
	}
}

// findSecret returns the first member of whom 16 bytes of key or hash in a row
// are in b.
func findSecret(b []byte, members []*Member) *Member {
	const window = 16
	for _, m := range members {
		for _, secret := range [][]byte{m.Key, m.NullifierKeyHash[:]} {
			for i := 0; i+window <= len(secret); i += window / 2 {
				if bytes.Contains(b, secret[i:i+window]) {
					return m
				}
			}
		}
	}
	return nil
}
