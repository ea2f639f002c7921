package registrar

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry"
)

// Names of the files in a registrar's folder.
const (
	configFile      = "registrar.conf"
	signerFile      = "signer.key"
	journalFile     = "journal"
	checkpointsFile = "checkpoints"
	checkpointFile  = "checkpoint"
	lockFile        = "lock"
)

const (
	configMagic  = "zkkex/v1 registrar"
	configFormat = "registrar.conf"
	signerMagic  = "zkkex/v1 registrar signer"
	signerFormat = "signer.key"
	// maxConfigFile bounds both files, in bytes.
	maxConfigFile = 4096
)

// config is what registrar.conf says:
//
//	zkkex/v1 registrar
//	key registry.example/members+0d3a7e7e+AYb…
//	epochs 0 86400
//
// The epochs are those that a re-admission with another nullifier key waits
// for: origin in Unix seconds, and length in seconds.
type config struct {
	verifierKey string
	schedule    zkkex.Schedule

	id       zkkex.RegistryID // follows from the key
	verifier note.Verifier
}

func newConfig(verifierKey string, schedule zkkex.Schedule) (config, error) {
	verifier, err := registry.NewVerifier(verifierKey)
	if err != nil {
		return config{}, err
	}
	id, err := registry.ID(verifierKey)
	if err != nil {
		return config{}, err
	}
	if schedule.Length == 0 || schedule.Origin < 0 || schedule.Origin > latestUnix {
		return config{}, malformed(configFormat, "epochs of %d seconds from %d on, expected at least 1 second from 0 to %d on", schedule.Length, schedule.Origin, latestUnix)
	}
	return config{verifierKey: verifierKey, schedule: schedule, id: id, verifier: verifier}, nil
}

func (c config) encode() []byte {
	return fmt.Appendf(nil, "%s\nkey %s\nepochs %d %d\n", configMagic, c.verifierKey, c.schedule.Origin, c.schedule.Length)
}

// parseConfig decodes what encode writes, strictly.
func parseConfig(b []byte) (config, error) {
	lines := strings.Split(string(b), "\n")
	if len(lines) != 4 || lines[0] != configMagic || !strings.HasPrefix(lines[1], "key ") {
		return config{}, malformed(configFormat, "expected three lines: %q, key and epochs", configMagic)
	}
	var schedule zkkex.Schedule
	if _, err := fmt.Sscanf(lines[2], "epochs %d %d", &schedule.Origin, &schedule.Length); err != nil {
		return config{}, malformed(configFormat, "line 3 is %q, expected \"epochs\", an origin and a length in seconds", lines[2])
	}
	c, err := newConfig(strings.TrimPrefix(lines[1], "key "), schedule)
	if err != nil {
		return config{}, err
	}
	if !bytes.Equal(c.encode(), b) {
		return config{}, malformed(configFormat, "not in the one accepted form, which is:\n%s", c.encode())
	}
	return c, nil
}

// readmissionEpochs is the number of whole epochs between a key's revocation
// and its return with another nullifier key. Verifiers take the old leaf until
// they know of the revocation, which may be in the epoch after it; and they take
// that epoch's proofs until clock skew and grace are over, for an epoch at most.
const readmissionEpochs = 2

// readmission returns from when on a key that is revoked at a time can come
// back with another nullifier key, in Unix seconds.
func (c config) readmission(revoked int64) int64 {
	return c.epochEnd(revoked) + readmissionEpochs*int64(c.schedule.Length)
}

// epochEnd returns the end of the epoch of a time, in Unix seconds. All the time
// before the first epoch is as one.
func (c config) epochEnd(unix int64) int64 {
	if unix < c.schedule.Origin {
		return c.schedule.Origin
	}
	length := int64(c.schedule.Length)
	return unix - (unix-c.schedule.Origin)%length + length
}

func encodeSigner(signerKey string) []byte {
	return fmt.Appendf(nil, "%s\n%s\n", signerMagic, signerKey)
}

// parseSigner decodes the key that signs checkpoints. No error quotes the file.
func parseSigner(b []byte) (note.Signer, error) {
	lines := strings.Split(string(b), "\n")
	if len(lines) != 3 || lines[0] != signerMagic || lines[2] != "" {
		return nil, malformed(signerFormat, "expected two lines: %q and a key", signerMagic)
	}
	signer, err := note.NewSigner(lines[1])
	if err != nil {
		return nil, malformed(signerFormat, "line 2 is no private key, expected PRIVATE+KEY+name+hash+key")
	}
	return signer, nil
}

// readSmall reads a file of at most maxConfigFile bytes.
func readSmall(dir, name string) ([]byte, error) {
	path := filepath.Join(dir, name)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxConfigFile {
		return nil, malformed(name, "expected at most %d bytes, got %d", maxConfigFile, info.Size())
	}
	return os.ReadFile(path)
}

// loadConfig reads the configuration and the signing key, which belong together.
func loadConfig(dir string) (config, note.Signer, error) {
	text, err := readSmall(dir, configFile)
	if errors.Is(err, fs.ErrNotExist) {
		return config{}, nil, fmt.Errorf("no registry in %s: %w; make one first", dir, err)
	}
	if err != nil {
		return config{}, nil, err
	}
	c, err := parseConfig(text)
	if err != nil {
		return config{}, nil, err
	}
	signer, err := loadSigner(dir)
	if err != nil {
		return config{}, nil, err
	}
	if signer.Name() != c.verifier.Name() || signer.KeyHash() != c.verifier.KeyHash() {
		return config{}, nil, fmt.Errorf("%s holds the key %s+%08x, but %s names %s+%08x; restore the one that belongs here",
			signerFile, signer.Name(), signer.KeyHash(), configFile, c.verifier.Name(), c.verifier.KeyHash())
	}
	return c, signer, nil
}

func loadSigner(dir string) (note.Signer, error) {
	path := filepath.Join(dir, signerFile)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if loose := info.Mode().Perm() & 0o077; loose != 0 && filepath.Separator == '/' {
		return nil, fmt.Errorf("%s can be read by others (mode %04o), expected mode 0600; run chmod 600 on it, and replace the key if anyone did read it", path, info.Mode().Perm())
	}
	text, err := readSmall(dir, signerFile)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	return parseSigner(text)
}
