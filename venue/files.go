package venue

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"filippo.io/torchwood"

	"github.com/zkkex/zkkex/venue/descriptor"
)

// Cache lifetimes. A descriptor and a full tile never change, a partial tile can
// vanish when it is full, and everything else is about now.
const (
	cacheForever = "public, max-age=31536000, immutable"
	cachePartial = "public, max-age=86400"
	cacheRevisit = "no-cache"
)

const (
	textPlain   = "text/plain; charset=utf-8"
	octetStream = "application/octet-stream"
)

// Names of what clients fetch, over HTTP and in an exported folder.
const (
	identityName     = "identity"
	checkpointName   = "checkpoint"
	latestName       = "descriptor/latest"
	descriptorPrefix = "descriptor/"
	proofPrefix      = "proof/"
	tilePrefix       = "tile/"
)

// file is something that clients fetch, the same bytes for everybody.
type file struct {
	body               []byte
	contentType, cache string
}

// maxPath bounds a path, in bytes: those of tiles are the longest.
const maxPath = 64

// file returns what is at a path, or an error wrapping [fs.ErrNotExist]. Only
// descriptors that are published are there.
func (v *Venue) file(path string) (*file, error) {
	switch {
	case len(path) > maxPath:
	case path == identityName:
		return &file{[]byte(v.Identity().String() + "\n"), textPlain, cacheRevisit}, nil
	case path == checkpointName:
		checkpoint, err := v.store.Checkpoint()
		return &file{checkpoint, textPlain, cacheRevisit}, err
	case path == latestName:
		return v.latestFile()
	case strings.HasPrefix(path, descriptorPrefix):
		return v.descriptorFile(path)
	case strings.HasPrefix(path, proofPrefix):
		return v.proofFile(path)
	case strings.HasPrefix(path, tilePrefix):
		return v.tileFile(path)
	}
	return nil, fmt.Errorf("nothing at %.100q: %w", path, fs.ErrNotExist)
}

func (v *Venue) latestFile() (*file, error) {
	n, err := v.published()
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, fmt.Errorf("no descriptor is published yet: %w", fs.ErrNotExist)
	}
	note, err := v.note(n)
	return &file{note, textPlain, cacheRevisit}, err
}

func (v *Venue) descriptorFile(path string) (*file, error) {
	n, err := v.publishedNumber(strings.TrimPrefix(path, descriptorPrefix))
	if err != nil {
		return nil, err
	}
	note, err := v.note(n)
	return &file{note, textPlain, cacheForever}, err
}

func (v *Venue) proofFile(path string) (*file, error) {
	n, err := v.publishedNumber(strings.TrimPrefix(path, proofPrefix))
	if err != nil {
		return nil, err
	}
	proof, err := v.store.Proof(n)
	return &file{proof, textPlain, cacheRevisit}, err
}

func (v *Venue) tileFile(path string) (*file, error) {
	data, err := v.store.Tile(path)
	if err != nil {
		return nil, err
	}
	cache := cachePartial
	if tile, err := torchwood.ParseTilePath(path); err == nil && tile.W == torchwood.TileWidth {
		cache = cacheForever
	}
	return &file{data, octetStream, cache}, nil
}

// note returns a signed descriptor, from memory or from the disk.
func (v *Venue) note(n uint64) ([]byte, error) {
	signed, err := v.store.ByNumber(n)
	if errors.Is(err, descriptor.ErrUnknownNumber) {
		signed, err = v.store.Read(n)
	}
	if err != nil {
		return nil, err
	}
	return signed.Note(), nil
}

// publishedNumber parses the number of a published descriptor, in its one form.
func (v *Venue) publishedNumber(digits string) (uint64, error) {
	published, err := v.published()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || strconv.FormatUint(n, 10) != digits || n == 0 || n > published {
		return 0, fmt.Errorf("no descriptor %.30q, %d are published: %w", digits, published, fs.ErrNotExist)
	}
	return n, nil
}

// published returns the number of descriptors in the published checkpoint, 0
// before the first.
func (v *Venue) published() (uint64, error) {
	signed, err := v.store.Checkpoint()
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	text, _, _ := bytes.Cut(signed, []byte("\n\n"))
	c, err := torchwood.ParseCheckpoint(string(text) + "\n")
	if err != nil {
		return 0, fmt.Errorf("the published checkpoint: %w", err)
	}
	return uint64(c.N), nil
}
