package descriptor

import (
	"bytes"
	"crypto/ecdh"
	"crypto/mlkem"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/internal/lines"
)

// PrivatePrekeys are the private halves of a descriptor's prekeys. They do not
// print.
//
// Go has no way to wipe them from memory: the store drops its reference when
// they expire, and so should callers.
type PrivatePrekeys struct {
	silent
	number  uint64
	expires time.Time
	reveal  func() (*ecdh.PrivateKey, *mlkem.DecapsulationKey768)
}

// Number returns the number of the descriptor that the keys belong to.
func (p *PrivatePrekeys) Number() uint64 { return p.number }

// Expires returns when the keys must not be used any more.
func (p *PrivatePrekeys) Expires() time.Time { return p.expires }

// X25519 returns the responder's static key.
func (p *PrivatePrekeys) X25519() *ecdh.PrivateKey {
	key, _ := p.reveal()
	return key
}

// MLKEM768 returns the decapsulation key, or nil if the descriptor has none.
func (p *PrivatePrekeys) MLKEM768() *mlkem.DecapsulationKey768 {
	_, key := p.reveal()
	return key
}

// newPrekeys draws the keys of a descriptor.
func newPrekeys(number uint64, expires time.Time, withKEM bool) (*PrivatePrekeys, error) {
	dh, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	var kem *mlkem.DecapsulationKey768
	if withKEM {
		if kem, err = mlkem.GenerateKey768(); err != nil {
			return nil, err
		}
	}
	return holdPrekeys(number, expires, dh, kem), nil
}

func holdPrekeys(number uint64, expires time.Time, dh *ecdh.PrivateKey, kem *mlkem.DecapsulationKey768) *PrivatePrekeys {
	return &PrivatePrekeys{number: number, expires: expires, reveal: func() (*ecdh.PrivateKey, *mlkem.DecapsulationKey768) { return dh, kem }}
}

// public returns what the descriptor says of the keys.
func (p *PrivatePrekeys) public() Prekeys {
	dh, kem := p.reveal()
	out := Prekeys{Expires: p.expires, X25519: [X25519Size]byte(dh.PublicKey().Bytes())}
	if kem != nil {
		out.MLKEM768 = kem.EncapsulationKey().Bytes()
	}
	return out
}

// matches reports whether the keys are those of a descriptor.
func (p *PrivatePrekeys) matches(d *Descriptor) bool {
	public := p.public()
	return p.number == d.Number && p.expires.Equal(d.Prekeys.Expires) &&
		public.X25519 == d.Prekeys.X25519 && bytes.Equal(public.MLKEM768, d.Prekeys.MLKEM768)
}

const (
	prekeyMagic = "zkkex/v1 venue prekeys"
	// maxPrekeyFile bounds such a file, in bytes.
	maxPrekeyFile = 1024
)

// encode returns the keys as a file, for the caller to wipe: X25519 as the
// scalar, ML-KEM-768 as the seed of 64 bytes, or "none".
func (p *PrivatePrekeys) encode() []byte {
	dh, kem := p.reveal()
	b := make([]byte, 0, maxPrekeyFile) // large enough not to move, and leave a copy
	b = append(append(b, prekeyMagic...), '\n')
	b = lines.Append(b, "number", strconv.FormatUint(p.number, 10))
	b = lines.Append(b, "expires", strconv.FormatInt(p.expires.Unix(), 10))
	b = appendSecret(append(b, "x25519: "...), dh.Bytes())
	if kem == nil {
		return append(b, "mlkem768: none\n"...)
	}
	return appendSecret(append(b, "mlkem768: "...), kem.Bytes())
}

func appendSecret(b, secret []byte) []byte {
	defer clear(secret)
	return append(base64.StdEncoding.AppendEncode(b, secret), '\n')
}

// parsePrekeys decodes what encode writes, strictly. No error quotes the file.
func parsePrekeys(text []byte) (*PrivatePrekeys, error) {
	rest, err := lines.CutFirst(text, prekeyMagic)
	if err != nil {
		return nil, malformed(prekeyFormat, "%w", err)
	}
	v, rest, err := lines.Cut(rest, "number", "expires", "x25519", "mlkem768")
	if err != nil || len(rest) > 0 {
		return nil, malformed(prekeyFormat, "expected the lines number, expires, x25519 and mlkem768, and no other")
	}
	r := &values{}
	number, expires := r.number("number", v[0], 64), r.time("expires", v[1])
	if r.err != nil {
		return nil, malformed(prekeyFormat, "%w", r.err)
	}
	dh, err := parseX25519(v[2])
	if err != nil {
		return nil, err
	}
	kem, err := parseMLKEM(v[3])
	if err != nil {
		return nil, err
	}
	p := holdPrekeys(number, expires, dh, kem)
	again := p.encode()
	defer clear(again)
	if !bytes.Equal(again, text) {
		return nil, malformed(prekeyFormat, "not in the one accepted form")
	}
	return p, nil
}

func parseX25519(s string) (*ecdh.PrivateKey, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	defer clear(b)
	if err != nil || len(b) != X25519Size {
		return nil, malformed(prekeyFormat, "expected %d bytes in base64 on the line x25519", X25519Size)
	}
	return ecdh.X25519().NewPrivateKey(b)
}

func parseMLKEM(s string) (*mlkem.DecapsulationKey768, error) {
	if s == "none" {
		return nil, nil
	}
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	defer clear(b)
	if err != nil || len(b) != mlkem.SeedSize {
		return nil, malformed(prekeyFormat, "expected %d bytes in base64 on the line mlkem768, or none", mlkem.SeedSize)
	}
	return mlkem.NewDecapsulationKey768(b)
}

// createPrekeyFile writes the keys to a new file of mode 0600.
func createPrekeyFile(path string, p *PrivatePrekeys) error {
	text := p.encode()
	defer clear(text)
	return atomicfile.Create(path, text, 0o600)
}

// loadPrekeyFile reads what createPrekeyFile wrote.
func loadPrekeyFile(path string) (*PrivatePrekeys, error) {
	text, err := readSecret(path, maxPrekeyFile, prekeyFormat)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	return parsePrekeys(text)
}

// destroyFile removes a file whose contents are overwritten with zeros first. It
// is renamed before that, so that what a crash leaves is never taken for keys,
// but for a leftover. On disks that write elsewhere (flash, copy-on-write) the
// old blocks can survive.
func destroyFile(path string) error {
	doomed := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".tmp-destroyed")
	err := os.Rename(path, doomed)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := errors.Join(err, atomicfile.SyncDir(filepath.Dir(path))); err != nil {
		return err
	}
	return wipeFile(doomed)
}

// wipeFile overwrites a file with zeros, durably, and removes it.
func wipeFile(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil {
		_, err = f.WriteAt(make([]byte, info.Size()), 0)
	}
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Remove(path)
}
