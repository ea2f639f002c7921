// Package setup makes parameter sets.
//
// For Groth16 it makes development sets. They come from a ceremony like any
// other, except that one process is all of its contributors: whoever kept what it
// drew (the toxic waste) could forge any proof. Such a set is named "dev", carries
// that into its digest, and is refused unless asked for by name. A set that can be
// trusted comes from a ceremony with many parties: see package ceremony.
//
// For PLONK it makes sets from the outcome of a public ceremony that was for no
// circuit in particular.
package setup

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/params"
)

// What a development ceremony says of itself.
const (
	devContributor = "development: one process alone"
	devBeacon      = "development: SHA-256 of this text"
)

// WriteDev makes a development parameter set for a circuit and writes it to the
// folder dir, which must not exist: it is there complete, or not at all. It returns
// an error wrapping [zkkex.ErrUnsupported] for an unknown circuit, [os.ErrExist]
// if dir is there already, and the error of ctx if that ends first.
func WriteDev(ctx context.Context, dir string, id zkkex.CircuitID, progress Progress) (_ *params.Manifest, err error) {
	if _, err := os.Lstat(dir); err == nil {
		return nil, fmt.Errorf("writing parameters to %s: %w", dir, os.ErrExist)
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("writing parameters: %w", err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+".tmp-*")
	if err != nil {
		return nil, fmt.Errorf("writing parameters: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	c, err := ceremony.Init(ctx, filepath.Join(tmp, "ceremony"), ceremony.Options{
		Circuit: id, Name: "development " + id.String(), Kind: params.Dev, Created: time.Now(),
		Announced: [2]string{devBeacon, devBeacon},
	}, ceremony.Progress(progress))
	if err != nil {
		return nil, err
	}
	if err := alone(ctx, c, progress); err != nil {
		return nil, err
	}
	return c.Seal(ctx, dir, ceremony.Progress(progress))
}

// alone contributes to both phases and closes them.
func alone(ctx context.Context, c *ceremony.Ceremony, progress Progress) error {
	beacon := sha256.Sum256([]byte(devBeacon))
	for range 2 {
		if _, err := c.Contribute(ctx, ceremony.Contributor{Name: devContributor}, ceremony.Progress(progress)); err != nil {
			return err
		}
		if _, err := c.Beacon(ctx, devBeacon, beacon[:], ceremony.Progress(progress)); err != nil {
			return err
		}
	}
	return nil
}
