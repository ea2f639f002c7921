package registrar

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/registry"
)

// Init makes an empty registry in a folder, which it creates if there is none,
// and draws its signing key. The name is the origin of its checkpoints, such as
// "registry.example/members"; the capacity is 2^capacityBits, 20 or 32. It
// returns an error wrapping [fs.ErrExist] if the folder is not empty,
// [zkkex.ErrMalformed] for a bad name and [zkkex.ErrUnsupported] for another
// capacity.
//
// A key that is revoked can come back with another nullifier key after two whole
// epochs of [zkkex.DefaultSchedule]; InitSchedule sets other epochs.
func Init(dir, name string, capacityBits int) error {
	return InitSchedule(dir, name, capacityBits, zkkex.DefaultSchedule())
}

// InitSchedule is [Init] with the epochs of the verifiers that the registry is
// for, so that nobody gets the slots of one epoch twice by coming back with
// another nullifier key. If they have different ones, take the longest.
func InitSchedule(dir, name string, capacityBits int, epochs zkkex.Schedule) error {
	if err := registry.CheckName(name); err != nil {
		return err
	}
	if _, err := registry.NewTree(capacityBits); err != nil {
		return err
	}
	signerKey, verifierKey, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return fmt.Errorf("drawing a signing key: %w", err)
	}
	c, err := newConfig(verifierKey, epochs)
	if err != nil {
		return err
	}
	if err := makeEmptyFolder(dir); err != nil {
		return err
	}
	// The configuration comes last: a folder without it was not finished.
	return createAll(dir, []newFile{
		{signerFile, encodeSigner(signerKey), 0o600},
		{journalFile, header{capacityBits: capacityBits, id: c.id}.encode(), 0o600},
		{checkpointsFile, registry.AppendCheckpointsHeader(nil, verifierKey), 0o644},
		{configFile, c.encode(), 0o644},
	})
}

type newFile struct {
	name string
	data []byte
	perm fs.FileMode
}

// createAll creates all files or, on an error, none.
func createAll(dir string, files []newFile) error {
	for i, f := range files {
		err := atomicfile.Create(filepath.Join(dir, f.name), f.data, f.perm)
		if err == nil {
			continue
		}
		for _, made := range files[:i] {
			err = errors.Join(err, os.Remove(filepath.Join(dir, made.name)))
		}
		return err
	}
	return nil
}

func makeEmptyFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty, it holds %q: %w; give a new folder", dir, entries[0].Name(), fs.ErrExist)
	}
	return nil
}
