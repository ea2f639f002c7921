package envelope

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	secp256k1ecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/canonical"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/keys/eddsa"
)

// samples are messages of every purpose, those of docs/spec/envelope.md.
func samples() []*Message {
	registry := zkkex.RegistryID{1, 2, 3}
	hash, leaf, nonce := [32]byte{31: 4}, zkkex.Commitment{31: 5}, [32]byte{6}
	return []*Message{
		{Purpose: Possession, Registry: registry, NullifierKeyHash: hash, Nonce: nonce, Expiry: 1767229200},
		{Purpose: Delegation, Registry: registry, NullifierKeyHash: hash, Delegate: leaf, Until: 1767312000, Nonce: nonce, Expiry: 1767229200},
		{Purpose: Certificate, Binding: zkkex.Binding{7}},
	}
}

// TestSpecSamples compares the samples in docs/spec/envelope.md with what is signed.
func TestSpecSamples(t *testing.T) {
	spec, err := os.ReadFile("../../docs/spec/envelope.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range samples() {
		for _, k := range Kinds() {
			digest, err := k.Digest(m)
			if err != nil {
				t.Fatal(err)
			}
			if line := fmt.Sprintf("| %v | %v | `%x` |", m.Purpose, k, digest); !strings.Contains(string(spec), line) {
				t.Errorf("docs/spec/envelope.md does not have the line %s", line)
			}
		}
	}
	blob, err := SSHBlob(samples()[1])
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(unbroken(spec), hex.EncodeToString(blob)) {
		t.Errorf("docs/spec/envelope.md does not have the blob %x", blob)
	}
	text, err := TypedData(samples()[1])
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(unbroken(spec), unbroken(text)) {
		t.Errorf("docs/spec/envelope.md does not have %s", text)
	}
}

// unbroken takes the breaks out of a text.
func unbroken(b []byte) string { return string(bytes.Join(bytes.Fields(b), nil)) }

// Every field that a purpose uses, and the purpose, is signed; a field that it does not
// use is refused.
func TestFields(t *testing.T) {
	change := map[string]func(*Message){
		"registry": func(m *Message) { m.Registry[0] ^= 1 },
		"hash":     func(m *Message) { m.NullifierKeyHash[31] ^= 1 },
		"delegate": func(m *Message) { m.Delegate[31] ^= 1 },
		"until":    func(m *Message) { m.Until++ },
		"nonce":    func(m *Message) { m.Nonce[0] ^= 1 },
		"expiry":   func(m *Message) { m.Expiry++ },
		"binding":  func(m *Message) { m.Binding[31] ^= 1 },
	}
	used := map[Purpose]string{
		Possession: "registry hash nonce expiry", Delegation: "registry hash delegate until nonce expiry", Certificate: "binding",
	}
	for _, k := range Kinds() {
		seen := map[[32]byte]string{}
		for _, m := range samples() {
			digest, err := k.Digest(m)
			if err != nil {
				t.Fatal(err)
			}
			if seen[digest] != "" {
				t.Errorf("%v: %v has the digest of %s", k, m.Purpose, seen[digest])
			}
			seen[digest] = m.Purpose.String()
			for name, f := range change {
				other := *m
				f(&other)
				digest, err := k.Digest(&other)
				if !strings.Contains(" "+used[m.Purpose]+" ", " "+name+" ") {
					if !errors.Is(err, zkkex.ErrMalformed) {
						t.Errorf("%v: a %v with %s: %v", k, m.Purpose, name, err)
					}
					continue
				}
				if err != nil || seen[digest] != "" {
					t.Errorf("%v: a %v with another %s has the digest of %s, %v", k, m.Purpose, name, seen[digest], err)
				}
				seen[digest] = name
			}
		}
	}
}

func TestMessagesRefused(t *testing.T) {
	for name, m := range map[string]*Message{
		"no purpose":                  {},
		"another purpose":             {Purpose: 4},
		"a delegation to nobody":      {Purpose: Delegation, Until: 1},
		"a delegation without an end": {Purpose: Delegation, Delegate: zkkex.Commitment{31: 1}},
		"an expiry below 0":           {Purpose: Possession, Expiry: -1},
		"an end in the year 10000":    {Purpose: Delegation, Delegate: zkkex.Commitment{31: 1}, Until: latest + 1},
		"a hash that is not reduced":  {Purpose: Possession, NullifierKeyHash: canonical.Order()},
	} {
		for _, k := range Kinds() {
			if _, err := k.Digest(m); !errors.Is(err, zkkex.ErrMalformed) {
				t.Errorf("%s, %v: %v", name, k, err)
			}
		}
		if _, err := SSHBlob(m); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s, SSHBlob: %v", name, err)
		}
		if _, err := TypedData(m); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s, TypedData: %v", name, err)
		}
	}
}

// signer makes a key of a type, and signs digests with it.
func signer(t *testing.T, kt zkkex.KeyType) (public []byte, sign func(digest [32]byte) [64]byte) {
	t.Helper()
	switch kt {
	case zkkex.KeyP256:
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		u, err := key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		k, err := eckey.P256.FromUncompressed(u)
		if err != nil {
			t.Fatal(err)
		}
		small := k.Bytes()
		return small[:], func(digest [32]byte) [64]byte {
			r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
			if err != nil {
				t.Fatal(err)
			}
			sig, err := eckey.P256.Normalize(r, s)
			if err != nil {
				t.Fatal(err)
			}
			return sig
		}
	case zkkex.KeySecp256k1:
		key, err := secp256k1.GeneratePrivateKey()
		if err != nil {
			t.Fatal(err)
		}
		return key.PubKey().SerializeCompressed(), func(digest [32]byte) [64]byte {
			return [64]byte(secp256k1ecdsa.SignCompact(key, digest[:], true)[1:])
		}
	default:
		key, err := eddsa.Generate()
		if err != nil {
			t.Fatal(err)
		}
		public := key.Public()
		return public[:], func(digest [32]byte) [64]byte {
			sig, err := key.Sign(digest)
			if err != nil {
				t.Fatal(err)
			}
			return sig
		}
	}
}

func TestVerify(t *testing.T) {
	for _, kt := range []zkkex.KeyType{zkkex.KeyP256, zkkex.KeySecp256k1, zkkex.KeyEdDSA} {
		public, sign := signer(t, kt)
		stranger, _ := signer(t, kt)
		for _, k := range Kinds() {
			for i, m := range samples() {
				name := fmt.Sprintf("%v, %v, %v", kt, k, m.Purpose)
				digest, err := k.Digest(m)
				if err != nil {
					t.Fatal(err)
				}
				if !k.Fits(kt) {
					if err := k.Verify(kt, public, m, [64]byte{}); !errors.Is(err, zkkex.ErrUnsupported) {
						t.Errorf("%s: %v; want ErrUnsupported", name, err)
					}
					continue
				}
				sig := sign(digest)
				if err := k.Verify(kt, public, m, sig); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if err := k.Verify(kt, stranger, m, sig); !errors.Is(err, ErrSignature) {
					t.Errorf("%s: another key: %v", name, err)
				}
				if err := k.Verify(kt, public, samples()[(i+1)%3], sig); !errors.Is(err, ErrSignature) {
					t.Errorf("%s: another purpose: %v", name, err)
				}
				for _, other := range Kinds() {
					if err := other.Verify(kt, public, m, sig); other != k && err == nil {
						t.Errorf("%s: the signature is good in the envelope %v", name, other)
					}
				}
				if err := k.Verify(kt, public[1:], m, sig); !errors.Is(err, zkkex.ErrMalformed) {
					t.Errorf("%s: a short key: %v", name, err)
				}
				if kt != zkkex.KeyEdDSA {
					s := new(big.Int).SetBytes(sig[32:])
					high := sig
					s.Sub(eckey.CurveOf(kt).Order(), s).FillBytes(high[32:])
					if err := k.Verify(kt, public, m, high); !errors.Is(err, zkkex.ErrMalformed) {
						t.Errorf("%s: a high s: %v", name, err)
					}
				}
			}
		}
	}
}

func TestNames(t *testing.T) {
	for _, k := range Kinds() {
		if again, err := Parse(k.String()); err != nil || again != k {
			t.Errorf("%v: %v, %v", k, again, err)
		}
	}
	if _, err := Parse("envelope-0"); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("an unknown name: %v", err)
	}
}
