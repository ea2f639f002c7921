package session

import (
	"crypto/ecdh"
	"crypto/rand"
	"testing"
)

func TestSharedSecretsAreFewAndWiped(t *testing.T) {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &Certificate{key: key}
	for i := range byte(4) {
		c.StoreShared([32]byte{i}, [32]byte{i, 1})
	}
	for i := range byte(4) {
		if secret, ok := c.LoadShared([32]byte{i}); ok != (i >= 2) || ok && secret != [32]byte{i, 1} {
			t.Errorf("prekey %d: %x, %v", i, secret, ok)
		}
	}
	kept := c.shared
	c.Wipe()
	if _, ok := c.LoadShared([32]byte{3}); ok || kept[0] != (shared{}) || kept[1] != (shared{}) {
		t.Error("secrets are left after Wipe")
	}
	c.StoreShared([32]byte{9}, [32]byte{9})
	if _, ok := c.LoadShared([32]byte{9}); ok {
		t.Error("a secret was stored after Wipe")
	}
}
