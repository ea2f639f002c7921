package dev

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	cs "github.com/consensys/gnark/constraint/bn254"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/internal/filelock"
	"github.com/zkkex/zkkex/internal/knownwaste"
	"github.com/zkkex/zkkex/internal/regularfile"
	"github.com/zkkex/zkkex/internal/relation"
	"github.com/zkkex/zkkex/setup/params"
)

// ErrDerived reports that this program derives another proving key than the
// development set has that comes with it: the circuit was changed and the set was
// not made anew, or the machine computes wrongly.
var ErrDerived = errors.New("the derived proving key is not the development set's")

// created is the creation date of every derived set: they are the same whenever
// they are made.
var created = time.Date(2026, time.November, 22, 0, 0, 0, 0, time.UTC)

// derived is the folder of a derived set, with the proving key in the cache.
type derived struct {
	fs.FS // manifest and verifying key
	id    zkkex.CircuitID
	// provingKey computes the key.
	provingKey func(ctx context.Context, progress Progress) ([]byte, error)
}

func openDerived(id zkkex.CircuitID) (fs.FS, error) {
	sub, err := fs.Sub(sets, "derived/"+id.String())
	if err != nil {
		return nil, err
	}
	provingKey := func(ctx context.Context, progress Progress) ([]byte, error) {
		key, _, err := Derive(ctx, id, progress)
		return key, err
	}
	return &derived{FS: sub, id: id, provingKey: provingKey}, nil
}

// Open implements [fs.FS].
func (d *derived) Open(name string) (fs.File, error) {
	if name != params.ProvingKeyFile {
		return d.FS.Open(name)
	}
	path, err := d.prepare(context.Background(), nil)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return os.Open(path)
}

// prepare returns the path of the proving key, which it derives if it is not in the
// cache, or damaged there.
func (d *derived) prepare(ctx context.Context, progress Progress) (string, error) {
	m, err := params.ReadManifest(d)
	if err != nil {
		return "", err
	}
	dir, err := cacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, fmt.Sprintf("%v-%.16s.pk", d.id, m.ProvingKey.SHA256))
	if holds(path, m.ProvingKey) {
		return path, nil
	}
	lock, err := filelock.Wait(ctx, filepath.Join(dir, "lock"))
	if err != nil {
		return "", err
	}
	defer lock.Release()
	if holds(path, m.ProvingKey) { // another process was faster
		return path, nil
	}
	key, err := d.provingKey(ctx, progress)
	if err != nil {
		return "", err
	}
	if got := params.Describe(key); got != m.ProvingKey {
		return "", fmt.Errorf("%w: %v: expected %v, got %v", ErrDerived, d.id, m.ProvingKey.SHA256, got.SHA256)
	}
	if err := atomicfile.Write(path, key, 0o644); err != nil {
		return "", fmt.Errorf("keeping the proving key of %v: %w", d.id, err)
	}
	return path, nil
}

// holds reports whether a file is the one described.
func holds(path string, want params.File) bool {
	f, info, err := regularfile.Open(os.DirFS(filepath.Dir(path)), filepath.Base(path))
	if err != nil {
		return false
	}
	defer f.Close()
	if info.Size() != want.Size {
		return false
	}
	b := make([]byte, want.Size)
	if _, err := io.ReadFull(f, b); err != nil {
		return false
	}
	return params.Describe(b) == want
}

// cacheDir returns the folder of derived keys, which it makes.
func cacheDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no place for derived parameters: %w", err)
	}
	dir := filepath.Join(base, "zkkex", "params")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("no place for derived parameters: %w", err)
	}
	return dir, nil
}

// Derive computes the proving key of a circuit's derived set, and the files of the
// set that ship, by their names. Nothing is compared with what ships. It returns an
// error wrapping [zkkex.ErrUnsupported] for a circuit of another proof system, or
// that of ctx.
func Derive(ctx context.Context, id zkkex.CircuitID, progress Progress) (provingKey []byte, files map[string][]byte, err error) {
	if progress != nil {
		progress("circuit", 0, 1)
	}
	system, err := circuits.Compile(id)
	if err != nil {
		return nil, nil, err
	}
	return derive(ctx, id, system, progress)
}

func derive(ctx context.Context, id zkkex.CircuitID, system *cs.R1CS, progress Progress) (provingKey []byte, files map[string][]byte, err error) {
	digest, size := relation.Digest(system), relation.SizeOf(system)
	pk, points, err := knownwaste.Keys(ctx, system, knownwaste.Of(digest), knownwaste.Progress(progress))
	if err != nil {
		return nil, nil, fmt.Errorf("deriving parameters for %v: %w", id, err)
	}
	var key bytes.Buffer
	if _, err := pk.WriteRawTo(&key); err != nil {
		return nil, nil, fmt.Errorf("deriving parameters for %v: %w", id, err)
	}
	vk := points.Bytes()
	manifest, err := (&params.Manifest{
		Format:      params.Format,
		Kind:        params.Dev,
		Created:     created,
		ProofSystem: params.ProofSystem,
		Curve:       params.Curve,
		Circuit: params.Circuit{
			ID: id, Name: id.String(), Digest: digest,
			Constraints: size.Constraints, PublicInputs: size.Public - 1, Commitments: size.Commitments,
		},
		ProvingKey:   params.Describe(key.Bytes()),
		VerifyingKey: params.Describe(vk),
	}).Bytes()
	if err != nil {
		return nil, nil, fmt.Errorf("deriving parameters for %v: %w", id, err)
	}
	return key.Bytes(), map[string][]byte{params.ManifestFile: manifest, params.VerifyingKeyFile: vk}, nil
}
