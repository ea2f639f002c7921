package descriptor

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/internal/lines"
	"github.com/zkkex/zkkex/registry"
)

// Signer signs with one key of a venue's identity. It does not print its key.
type Signer struct {
	silent
	public *identityKey
	sign   func(message []byte) ([]byte, error)
}

var _ note.Signer = (*Signer)(nil)

// NewSigner returns a signer for the venue of the given name. The key may be in
// memory or in a device; it must be an Ed25519 key, or the error wraps
// [zkkex.ErrUnsupported].
func NewSigner(name string, key crypto.Signer) (*Signer, error) {
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w: signing key of type %T, expected Ed25519", zkkex.ErrUnsupported, key.Public())
	}
	return newSigner(name, Ed25519, public, key, known())
}

func newSigner(name string, a Algorithm, public []byte, key crypto.Signer, table algorithms) (*Signer, error) {
	if err := registry.CheckName(name); err != nil {
		return nil, malformed(keyFormat, "%w", err)
	}
	k, err := newKey(name, a, public, table)
	if err != nil {
		return nil, err
	}
	return &Signer{public: k, sign: func(message []byte) ([]byte, error) {
		return key.Sign(rand.Reader, message, crypto.Hash(0))
	}}, nil
}

// Name returns the venue's name.
func (s *Signer) Name() string { return s.public.name }

// KeyHash returns the key's id in signed notes.
func (s *Signer) KeyHash() uint32 { return s.public.hash }

// Sign signs a message. A signature that does not verify is an error: a device
// that errs must not bring the venue to publish it.
func (s *Signer) Sign(message []byte) ([]byte, error) {
	signature, err := s.sign(message)
	if err != nil {
		return nil, fmt.Errorf("signing with %s+%08x: %w", s.Name(), s.KeyHash(), err)
	}
	if !s.public.Verify(message, signature) {
		return nil, fmt.Errorf("signing with %s+%08x: the signature does not verify", s.Name(), s.KeyHash())
	}
	return signature, nil
}

// IdentityOf returns the identity that the signers sign for, which are all of
// its keys in its order. It returns the errors of [ParseIdentity].
func IdentityOf(signers ...*Signer) (*Identity, error) {
	keys := make([]*identityKey, len(signers))
	for i, s := range signers {
		keys[i] = s.public
	}
	return newIdentity(keys)
}

// signerMagic is the first line of a file with an identity key.
const signerMagic = "zkkex/v1 venue identity key"

// maxSignerFile bounds such a file, in bytes.
const maxSignerFile = 1024

// CreateSigner draws an Ed25519 identity key and writes it to a new file of mode
// 0600. It returns an error wrapping [fs.ErrExist] if there is a file: an
// identity is never replaced.
func CreateSigner(path, name string) (*Signer, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	defer clear(private)
	if err := registry.CheckName(name); err != nil {
		return nil, malformed(keyFormat, "%w", err)
	}
	text := encodeSigner(name, private.Seed())
	defer clear(text)
	if err := atomicfile.Create(path, text, 0o600); err != nil {
		return nil, err
	}
	return LoadSigner(path)
}

func encodeSigner(name string, seed []byte) []byte {
	text := append([]byte(signerMagic), '\n')
	text = lines.Append(text, "name", name)
	text = append(text, "ed25519: "...)
	return append(base64.StdEncoding.AppendEncode(text, seed), '\n')
}

// LoadSigner reads what [CreateSigner] wrote. It refuses a file that others can
// read. No error quotes the file.
func LoadSigner(path string) (*Signer, error) {
	text, err := readSecret(path, maxSignerFile, signerFormat)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	return parseSigner(text)
}

func parseSigner(text []byte) (*Signer, error) {
	rest, err := lines.CutFirst(text, signerMagic)
	if err != nil {
		return nil, malformed(signerFormat, "%w", err)
	}
	values, rest, err := lines.Cut(rest, "name", "ed25519")
	if err != nil || len(rest) > 0 {
		return nil, malformed(signerFormat, "expected the lines name and ed25519, and no other")
	}
	seed, err := base64.StdEncoding.Strict().DecodeString(values[1])
	defer clear(seed)
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, malformed(signerFormat, "expected %d bytes in base64 on the line ed25519", ed25519.SeedSize)
	}
	again := encodeSigner(values[0], seed)
	defer clear(again)
	if string(again) != string(text) {
		return nil, malformed(signerFormat, "not in the one accepted form")
	}
	return NewSigner(values[0], ed25519.NewKeyFromSeed(seed))
}

// readSecret reads a file of at most limit bytes that only its owner can read.
func readSecret(path string, limit int64, format string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && filepath.Separator == '/' {
		return nil, fmt.Errorf("%s can be read by others (mode %04o), expected mode 0600; run chmod 600 on it, and replace the key if anyone did read it", path, mode)
	}
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if int64(len(text)) > limit {
		return nil, malformed(format, "expected at most %d bytes", limit)
	}
	return text, nil
}
