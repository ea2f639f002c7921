package venue

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/zkkex/zkkex/admission"
	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// Names in a venue's folder.
const (
	configFile       = "config.json"
	identityFile     = "identity"
	mldsaFile        = "identity-mldsa65"
	descriptorFolder = "descriptors"
	registryFolder   = "registry"
	admissionFolder  = "admissions"
	lockFile         = "lock"
)

// Errors of a venue's folder.
var (
	// ErrNoVenue reports a folder that holds no venue: make one with [Init].
	ErrNoVenue = errors.New("no venue in this folder")
	// ErrFolderMode reports a folder that others can write to.
	ErrFolderMode = errors.New("others can write to the folder")
)

// Init makes a venue in a folder, which must be missing or empty: its
// configuration, with defaults in place of what is not set, new identity keys and
// an empty store of admissions. It returns the identity, which clients pin, and
// asks nobody for anything.
//
// It returns an error wrapping [fs.ErrExist] if there is something in the folder,
// and [zkkex.ErrMalformed] or [zkkex.ErrUnsupported] if the venue could not work
// by the configuration.
func Init(dir string, c Config) (*descriptor.Identity, error) {
	c = c.withDefaults()
	text, err := c.MarshalText()
	if err != nil {
		return nil, err
	}
	if err := makeFolder(dir); err != nil {
		return nil, err
	}
	signers, err := createSigners(dir, &c)
	if err != nil {
		return nil, err
	}
	if err := admission.Init(filepath.Join(dir, admissionFolder)); err != nil {
		return nil, err
	}
	// The configuration comes last: a folder without one is no venue yet.
	if err := atomicfile.Create(filepath.Join(dir, configFile), text, 0o600); err != nil {
		return nil, err
	}
	return descriptor.IdentityOf(signers...)
}

func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty, expected a new folder for a new venue: %w", dir, fs.ErrExist)
	}
	return checkFolder(dir)
}

// checkFolder refuses a folder that others can write to: they could put another
// identity in. Windows keeps no such modes.
func checkFolder(dir string) error {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w; make one first", dir, ErrNoVenue)
	}
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is a file, expected a folder", dir)
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 && runtime.GOOS != "windows" {
		return fmt.Errorf("%w: %s has mode %04o, expected 0700: run chmod 700 %s", ErrFolderMode, dir, mode, dir)
	}
	return nil
}
