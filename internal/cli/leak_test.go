package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zkkex/zkkex/keys"
)

// findLeaks searches what was printed, in the files of the folder output, for
// the secrets in the files of the folder work: keys, the seeds and passphrases
// in files named so, and what signs checkpoints and challenges. It says where
// it found them, not what.
func findLeaks(work, output string) ([]string, error) {
	secrets, err := findSecrets(work)
	if err != nil {
		return nil, err
	}
	printed, err := os.ReadDir(output)
	if err != nil {
		return nil, err
	}
	var leaks []string
	for _, file := range printed {
		text, err := os.ReadFile(filepath.Join(output, file.Name()))
		if err != nil {
			return nil, err
		}
		for _, s := range secrets {
			if slices.ContainsFunc(s.spellings, func(spelling []byte) bool { return bytes.Contains(bytes.ToLower(text), bytes.ToLower(spelling)) }) {
				leaks = append(leaks, s.name+" in "+file.Name())
			}
		}
	}
	return leaks, nil
}

// secret is something that must never be printed, in every spelling.
type secret struct {
	name      string
	spellings [][]byte
}

func newSecret(name string, value []byte) secret {
	number := new(big.Int).SetBytes(value)
	return secret{name, [][]byte{
		value,
		[]byte(hex.EncodeToString(value)),
		[]byte(number.Text(16)), // without leading zeros
		[]byte(number.String()),
		[]byte(base64.RawStdEncoding.EncodeToString(value)),
		[]byte(base64.RawURLEncoding.EncodeToString(value)),
		[]byte(strings.Trim(fmt.Sprint(value), "[]")), // as %v prints bytes
	}}
}

func findSecrets(work string) (secrets []secret, err error) {
	err = filepath.WalkDir(work, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.Contains(path, ".output") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found, err := secretsIn(path, text)
		secrets = append(secrets, found...)
		return err
	})
	return secrets, err
}

// secretsIn returns the secrets in one file.
func secretsIn(path string, text []byte) ([]secret, error) {
	name := filepath.Base(path)
	line := bytes.TrimSpace(text)
	switch {
	case bytes.HasPrefix(text, []byte("zkkex/v1 key\n")), bytes.HasPrefix(text, []byte("zkkex/v1 unencrypted key\n")):
		return secretsOfKey(path, text)
	case bytes.HasPrefix(text, []byte("zkkex/v1 venue identity key\n")), bytes.HasPrefix(text, []byte("zkkex/v1 venue prekeys\n")):
		return secretsOfVenue(path, string(text))
	case strings.HasSuffix(name, ".pass"):
		return []secret{{path, [][]byte{line}}}, nil
	case strings.HasSuffix(name, ".seed"):
		return []secret{{path, [][]byte{line}}}, nil
	case name == "signer.key", name == "challenge.key":
		_, key, _ := bytes.Cut(line, []byte("\n"))
		return []secret{{path, [][]byte{key}}}, nil
	default:
		return nil, nil
	}
}

// secretsOfVenue returns the private keys in a file of a venue, which are in base64
// on lines named after their algorithms.
func secretsOfVenue(path, text string) (secrets []secret, err error) {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if !slices.Contains([]string{"ed25519", "mldsa65", "x25519", "mlkem768"}, name) || value == "none" {
			continue
		}
		key, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		secrets = append(secrets, newSecret(path+" ("+name+")", key))
	}
	if len(secrets) == 0 {
		return nil, fmt.Errorf("%s has no secrets", path)
	}
	return secrets, nil
}

// secretsOfKey opens a key file. An encrypted one has its passphrase in a file
// of the same folder's name: alice/key in alice.pass.
func secretsOfKey(path string, text []byte) ([]secret, error) {
	f, err := keys.ParseFile(text)
	if err != nil {
		return nil, nil // a script damaged it
	}
	s, err := f.Open(func() (string, error) {
		passphrase, err := os.ReadFile(filepath.Dir(path) + ".pass")
		return strings.TrimSpace(string(passphrase)), err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	scalar, nk := s.RevealScalar(), s.RevealNullifierKey()
	return []secret{newSecret(path+" (identity key)", scalar[:]), newSecret(path+" (nullifier key)", nk[:])}, nil
}
