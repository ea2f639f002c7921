package noise

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/hex"
	"testing"
)

// RFC 7748, section 5.2, and its iterated test.
func TestX25519Vectors(t *testing.T) {
	for _, v := range [][3]string{
		{"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4", "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c", "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"},
		{"4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d", "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493", "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"},
	} {
		var secret [32]byte
		if !x25519(&secret, (*[32]byte)(unhex(t, v[0])), (*[32]byte)(unhex(t, v[1]))) || hex.EncodeToString(secret[:]) != v[2] {
			t.Errorf("%x, want %s", secret, v[2])
		}
	}
	k, u := [32]byte{9}, [32]byte{9}
	for range 1000 {
		var next [32]byte
		if !x25519(&next, &k, &u) {
			t.Fatal("0")
		}
		k, u = next, k
	}
	if got := hex.EncodeToString(k[:]); got != "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51" {
		t.Errorf("after 1,000 rounds %s", got)
	}
}

// Whatever computes X25519 here agrees with crypto/ecdh: keys, secrets, and which
// points give 0.
func TestX25519AgreesWithTheStandardLibrary(t *testing.T) {
	for range 200 {
		ours, err := newDHKey()
		if err != nil {
			t.Fatal(err)
		}
		standard, err := ecdh.X25519().NewPrivateKey(ours.scalar[:])
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(standard.PublicKey().Bytes(), ours.public[:]) {
			t.Fatalf("public key %x, want %x", ours.public, standard.PublicKey().Bytes())
		}
		var point [32]byte // on the curve or on its twist, canonical or not
		rand.Read(point[:])
		peer, err := ecdh.X25519().NewPublicKey(point[:])
		if err != nil {
			t.Fatal(err)
		}
		want, err := standard.ECDH(peer)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := sharedSecret(ours, peer); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%x, %v, want %x", got, err, want)
		}
	}
}

func TestDHKeyIsWiped(t *testing.T) {
	k, err := newDHKey()
	if err != nil {
		t.Fatal(err)
	}
	k.wipe()
	if k.scalar != [32]byte{} {
		t.Error("the scalar is still there")
	}
	(*dhKey)(nil).wipe()
}
