package venue

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/zkkex/zkkex/venue/descriptor"
)

// identityKey is a file of a venue's folder with a key of its identity.
type identityKey struct {
	file      string
	algorithm descriptor.Algorithm
}

// identityKeys are the keys that a configuration demands, in the identity's
// order.
func identityKeys(c *Config) []identityKey {
	keys := []identityKey{{identityFile, descriptor.Ed25519}}
	if c.PostQuantum {
		keys = append(keys, identityKey{mldsaFile, descriptor.MLDSA65})
	}
	return keys
}

// createSigners draws the keys of a new venue.
func createSigners(dir string, c *Config) (signers []*descriptor.Signer, err error) {
	for _, key := range identityKeys(c) {
		signer, err := descriptor.CreateSigner(filepath.Join(dir, key.file), c.Name, key.algorithm)
		if err != nil {
			return nil, err
		}
		signers = append(signers, signer)
	}
	return signers, nil
}

// loadSigners reads the keys of a venue. One that is missing is an error, and so
// is one too many: the identity would be another one.
func loadSigners(dir string, c *Config) (signers []*descriptor.Signer, err error) {
	for _, key := range identityKeys(c) {
		signer, err := descriptor.LoadSigner(filepath.Join(dir, key.file))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("the %v key of the venue's identity is missing, without which nothing can be signed; put it back: %w", key.algorithm, err)
		}
		if err != nil {
			return nil, err
		}
		if signer.Name() != c.Name {
			return nil, malformed("name %s, but the identity is that of %s; a venue is never renamed", c.Name, signer.Name())
		}
		if signer.Algorithm() != key.algorithm {
			return nil, malformed("%s holds a key of %v, expected one of %v", key.file, signer.Algorithm(), key.algorithm)
		}
		signers = append(signers, signer)
	}
	return signers, nil
}
