package descriptor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/registry"
)

// Publish signs a checkpoint of the log with the venue's keys, has it cosigned,
// stores it and returns it. The function cosign may be nil; package registrar
// makes one (registrar.NewCosigner, with the first line of the identity as the
// key of the log): witnesses are shown the signature of the Ed25519 key alone,
// which is the one that they know. Only after a descriptor is in a published
// checkpoint can clients that demand witnesses take it in.
//
// Nothing is published for an empty log: the error wraps [ErrUnknownNumber].
func (s *Store) Publish(ctx context.Context, cosign func(ctx context.Context, signed []byte, size uint64, hashes tlog.HashReader) ([]byte, error)) ([]byte, error) {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	if s.follows {
		return nil, ErrFollows
	}
	text, log, err := s.checkpointText()
	if err != nil {
		return nil, err
	}
	signed, err := note.Sign(&note.Note{Text: text}, s.signers[0])
	if err != nil {
		return nil, fmt.Errorf("signing a checkpoint: %w", err)
	}
	if cosign != nil {
		if signed, err = cosign(ctx, signed, log.size(), &log); err != nil {
			return nil, err
		}
	}
	if signed, err = s.addSignatures(signed); err != nil {
		return nil, err
	}
	p := witnessPolicy{identity: s.identity}
	checkpoint, err := p.open(signed)
	if err != nil {
		return nil, fmt.Errorf("opening the checkpoint just signed: %w", err)
	}
	if checkpoint.String() != text {
		return nil, malformed("checkpoint", "the witnesses answered with another one")
	}
	if err := atomicfile.Write(filepath.Join(s.dir, checkpointFile), signed, 0o644); err != nil {
		return nil, fmt.Errorf("storing a checkpoint: %w; the one before stays published", err)
	}
	return signed, nil
}

// addSignatures adds those of the other keys to a checkpoint that is cosigned.
func (s *Store) addSignatures(signed []byte) ([]byte, error) {
	if len(s.signers) == 1 {
		return signed, nil
	}
	n, err := note.Open(signed, note.VerifierList(s.identity.keys[0]))
	if err != nil {
		return nil, openError(err)
	}
	others := make([]note.Signer, 0, len(s.signers))
	for _, other := range s.signers[1:] {
		others = append(others, other)
	}
	if signed, err = note.Sign(n, others...); err != nil {
		return nil, fmt.Errorf("signing a checkpoint: %w", err)
	}
	return signed, nil
}

// checkpointText returns the text to sign and the log as it is.
func (s *Store) checkpointText() (string, logHashes, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return "", logHashes{}, ErrClosed
	}
	if s.log.size() == 0 {
		return "", logHashes{}, fmt.Errorf("%w: the log is empty", ErrUnknownNumber)
	}
	root, err := tlog.TreeHash(int64(s.log.size()), &s.log)
	if err != nil {
		return "", logHashes{}, err
	}
	c := torchwood.Checkpoint{Origin: s.identity.Name(), Tree: tlog.Tree{N: int64(s.log.size()), Hash: root}}
	return c.String(), s.log, nil // hashes are only appended, so the copy stays good
}

// Checkpoint returns the newest published checkpoint, or an error wrapping
// [fs.ErrNotExist] before the first.
func (s *Store) Checkpoint() ([]byte, error) {
	if s.follows {
		return s.checkpointTakenIn()
	}
	path := filepath.Join(s.dir, checkpointFile)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > registry.MaxCheckpoint {
		return nil, fmt.Errorf("%w: %s has %d bytes, expected at most %d", ErrDamaged, path, info.Size(), registry.MaxCheckpoint)
	}
	return os.ReadFile(path)
}

// checkpointTakenIn is the checkpoint of a store that follows: the file's may cover
// what was not taken in yet.
func (s *Store) checkpointTakenIn() ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.published == nil {
		return nil, fmt.Errorf("the followed log is not published yet: %w", fs.ErrNotExist)
	}
	return bytes.Clone(s.published), nil
}

// covers checks that the log is what a checkpoint of it said.
func (s *Store) covers(signed []byte) error {
	p := witnessPolicy{identity: s.identity}
	c, err := p.open(signed)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrDamaged, checkpointFile, err)
	}
	if c.N > int64(s.log.size()) {
		return fmt.Errorf("%w: %d descriptors were published and %d are here; restore the missing ones, and issue nothing before", ErrDamaged, c.N, s.log.size())
	}
	root, err := tlog.TreeHash(c.N, &s.log)
	if err != nil {
		return err
	}
	if root != c.Hash {
		return fmt.Errorf("%w: the first %d descriptors are not those that were published", ErrDamaged, c.N)
	}
	return nil
}

// Proof returns the proof that a descriptor is in the log of the published
// checkpoint (c2sp.org/tlog-proof), for [Chain.Add]. It returns an error
// wrapping [ErrUnknownNumber] if the checkpoint does not cover it.
func (s *Store) Proof(number uint64) ([]byte, error) {
	signed, err := s.Checkpoint()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: nothing was published yet", ErrUnknownNumber)
	}
	if err != nil {
		return nil, err
	}
	p := witnessPolicy{identity: s.identity}
	c, err := p.open(signed)
	if err != nil {
		return nil, err
	}
	if number == 0 || number > uint64(c.N) {
		return nil, fmt.Errorf("%w: %d, %d are published", ErrUnknownNumber, number, c.N)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	proof, err := tlog.ProveRecord(c.N, int64(number-1), &s.log)
	if err != nil {
		return nil, err
	}
	return torchwood.FormatProof(int64(number-1), proof, signed), nil
}

// Tile returns a tile of the published log (c2sp.org/tlog-tiles): hashes at
// "tile/<L>/<N>[.p/<W>]", or the texts of descriptors, each after its length as
// a big-endian uint16, at "tile/entries/<N>[.p/<W>]". It returns an error
// wrapping [fs.ErrNotExist] if there is no such tile.
func (s *Store) Tile(path string) ([]byte, error) {
	tile, err := torchwood.ParseTilePath(path)
	if err != nil || torchwood.TilePath(tile) != path {
		return nil, fmt.Errorf("no tile %.100q: %w", path, fs.ErrNotExist)
	}
	signed, err := s.Checkpoint()
	if err != nil {
		return nil, err
	}
	c, err := (&witnessPolicy{identity: s.identity}).open(signed)
	if err != nil {
		return nil, err
	}
	level := max(tile.L, 0)
	const maxLevel = 6 // beyond any log, and no shift overflows
	if level > maxLevel || tile.N > c.N || tile.N*torchwood.TileWidth+int64(tile.W) > c.N>>(level*torchwood.TileHeight) {
		return nil, fmt.Errorf("no tile %.100q: the published log has %d descriptors: %w", path, c.N, fs.ErrNotExist)
	}
	if tile.L == -1 {
		return s.entries(tile)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return tlog.ReadTileData(tile, &s.log)
}

// entries returns the texts of a tile, from the files.
func (s *Store) entries(tile tlog.Tile) (out []byte, err error) {
	first := uint64(tile.N)*torchwood.TileWidth + 1
	for n := first; n < first+uint64(tile.W); n++ {
		signed, err := s.loadSigned(n)
		if err != nil {
			return nil, err
		}
		if out, err = torchwood.AppendTileEntry(out, signed.text); err != nil {
			return nil, err
		}
	}
	return out, nil
}
