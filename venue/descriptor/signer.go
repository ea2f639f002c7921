package descriptor

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
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
// memory or in a device. Its public key must be an [ed25519.PublicKey], or a
// [*mldsa65.PublicKey] of a key that takes [MLDSAOptions], or the error wraps
// [zkkex.ErrUnsupported].
func NewSigner(name string, key crypto.Signer) (*Signer, error) {
	switch public := key.Public().(type) {
	case ed25519.PublicKey:
		return newSigner(name, Ed25519, public, key, crypto.Hash(0), known())
	case *mldsa65.PublicKey:
		if private, ok := key.(*mldsa65.PrivateKey); ok {
			key = mldsaKey{private}
		}
		return newSigner(name, MLDSA65, public.Bytes(), key, MLDSAOptions{mldsaContext}, known())
	default:
		return nil, fmt.Errorf("%w: signing key of type %T, expected Ed25519 or ML-DSA-65", zkkex.ErrUnsupported, public)
	}
}

func newSigner(name string, a Algorithm, public []byte, key crypto.Signer, o crypto.SignerOpts, table algorithms) (*Signer, error) {
	if err := registry.CheckName(name); err != nil {
		return nil, malformed(keyFormat, "%w", err)
	}
	k, err := newKey(name, a, public, table)
	if err != nil {
		return nil, err
	}
	return &Signer{public: k, sign: func(message []byte) ([]byte, error) {
		return key.Sign(rand.Reader, message, o)
	}}, nil
}

// Name returns the venue's name.
func (s *Signer) Name() string { return s.public.name }

// Algorithm returns the algorithm of the key.
func (s *Signer) Algorithm() Algorithm { return s.public.algorithm }

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

// CreateSigner draws an identity key of an algorithm and writes it to a new file
// of mode 0600. It returns an error wrapping [fs.ErrExist] if there is a file: an
// identity is never replaced; and [zkkex.ErrUnsupported] for an algorithm that is
// not one of this package's.
func CreateSigner(path, name string, a Algorithm) (*Signer, error) {
	if err := registry.CheckName(name); err != nil {
		return nil, malformed(keyFormat, "%w", err)
	}
	how, ok := known()[a]
	if !ok {
		return nil, fmt.Errorf("%w: an identity key of %v, expected %s", zkkex.ErrUnsupported, a, known().names())
	}
	seed := make([]byte, seedSize)
	defer clear(seed)
	if _, err := rand.Read(seed); err != nil {
		return nil, err
	}
	text := encodeSigner(name, how.line, seed)
	defer clear(text)
	if err := atomicfile.Create(path, text, 0o600); err != nil {
		return nil, err
	}
	return LoadSigner(path)
}

func encodeSigner(name, line string, seed []byte) []byte {
	text := make([]byte, 0, maxSignerFile) // large enough not to move, and leave a copy
	text = append(append(text, signerMagic...), '\n')
	text = lines.Append(text, "name", name)
	text = append(append(text, line...), ": "...)
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
	for _, how := range known() {
		values, rest, err := lines.Cut(rest, "name", how.line)
		if err == nil && len(rest) == 0 {
			return signerOf(text, values[0], values[1], how)
		}
	}
	return nil, malformed(signerFormat, "expected the lines name and ed25519, or name and mldsa65, and no other")
}

// signerOf returns the signer of a file with a seed in base64.
func signerOf(text []byte, name, seed64 string, how algorithm) (*Signer, error) {
	seed, err := base64.StdEncoding.Strict().DecodeString(seed64)
	defer clear(seed)
	if err != nil || len(seed) != seedSize {
		return nil, malformed(signerFormat, "expected %d bytes in base64 on the line %s", seedSize, how.line)
	}
	again := encodeSigner(name, how.line, seed)
	defer clear(again)
	if !bytes.Equal(again, text) {
		return nil, malformed(signerFormat, "not in the one accepted form")
	}
	return NewSigner(name, how.fromSeed([seedSize]byte(seed)))
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
