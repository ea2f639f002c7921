package keyfile

import (
	"bytes"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/keys/signer"
)

func TestOpenSSHHead(t *testing.T) {
	plain, _ := pem.Decode(testdata(t, "p256-openssh"))
	sealed, _ := pem.Decode(testdata(t, "p256-openssh-encrypted"))
	if encrypted, _, err := checkOpenSSH(plain.Bytes); encrypted || err != nil {
		t.Fatalf("plain: %v, %v", encrypted, err)
	}
	if encrypted, _, err := checkOpenSSH(sealed.Bytes); !encrypted || err != nil {
		t.Fatalf("encrypted: %v, %v", encrypted, err)
	}
	// The head of a key: the number of keys follows the options of the derivation.
	count := []byte{0, 0, 0, 1, 0, 0, 0, 0x68}
	rounds := bytes.Index(sealed.Bytes, []byte("bcrypt")) + 6 + 4 + 4 + 16
	if r := binary.BigEndian.Uint32(sealed.Bytes[rounds:]); r != 2 {
		t.Fatalf("%d rounds", r)
	}
	set := func(n uint32) []byte {
		b := bytes.Clone(sealed.Bytes)
		binary.BigEndian.PutUint32(b[rounds:], n)
		return b
	}
	for name, c := range map[string]struct {
		head []byte
		want error
	}{
		"most rounds":       {set(MaxBcryptRounds), nil},
		"too many rounds":   {set(MaxBcryptRounds + 1), zkkex.ErrMalformed},
		"gigantic rounds":   {set(1<<32 - 1), zkkex.ErrMalformed},
		"no rounds":         {set(0), zkkex.ErrMalformed},
		"other derivation":  {bytes.Replace(sealed.Bytes, []byte("bcrypt"), []byte("scrypt"), 1), zkkex.ErrMalformed},
		"two keys":          {bytes.Replace(plain.Bytes, count, append([]byte{0, 0, 0, 2}, count[4:]...), 1), signer.ErrAmbiguous},
		"security key":      {bytes.Replace(plain.Bytes, []byte("ecdsa-sha2-nistp256"), []byte("sk-ecdsa-sha2-nistp"), 1), signer.ErrUnsupportedKey},
		"other magic":       {bytes.Replace(plain.Bytes, []byte("openssh-key-v1"), []byte("openssh-key-v2"), 1), zkkex.ErrMalformed},
		"truncated":         {plain.Bytes[:40], zkkex.ErrMalformed},
		"length too large":  {append(plain.Bytes[:15:15], 0xff, 0xff, 0xff, 0xff), zkkex.ErrMalformed},
		"other curve":       {bytes.Replace(plain.Bytes, []byte("\x08nistp256"), []byte("\x08nistp257"), 1), zkkex.ErrMalformed},
		"nothing":           {nil, zkkex.ErrMalformed},
		"length at the end": {append(plain.Bytes[:15:15], 0, 0), zkkex.ErrMalformed},
	} {
		if name != "nothing" && (bytes.Equal(c.head, plain.Bytes) || bytes.Equal(c.head, sealed.Bytes)) {
			t.Fatalf("%s: nothing was changed", name)
		}
		if _, _, err := checkOpenSSH(c.head); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, expected %v", name, err, c.want)
		}
	}
}

// A key whose public part is another's is refused, in the encrypted part and outside of
// it.
func TestOpenSSHMismatch(t *testing.T) {
	scalar := unhex(t, scalars[eckey.P256])
	ours := point(t, eckey.P256, scalar).Uncompressed()
	others := point(t, eckey.P256, append(make([]byte, 31), 1)).Uncompressed()
	for name, passphrase := range map[string]func() (string, error){
		"p256-openssh":           nil,
		"p256-openssh-encrypted": func() (string, error) { return testPassphrase, nil },
	} {
		block, _ := pem.Decode(testdata(t, name))
		changed := bytes.Replace(block.Bytes, ours[:], others[:], 1)
		if bytes.Equal(changed, block.Bytes) {
			t.Fatalf("%s: the point is not in it", name)
		}
		block.Bytes = changed
		if _, err := parsePEM(pem.EncodeToMemory(block), passphrase); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	block, _ := pem.Decode(testdata(t, "p256-openssh"))
	changed := bytes.Clone(scalar)
	changed[31] ^= 1
	block.Bytes = bytes.Replace(block.Bytes, scalar, changed, 1)
	if _, err := parsePEM(pem.EncodeToMemory(block), nil); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("%v", err)
	}
}
