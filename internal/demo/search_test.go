package demo

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/zkkex/zkkex/keys"
)

// The planted leaks: each thing of a member's is found, in each form.
func TestLeakIsFound(t *testing.T) {
	secret, err := keys.Generate()
	if err != nil {
		t.Fatal(err)
	}
	who := identity(secret)
	if done, err := searchFor("nothing", bytes.Repeat([]byte{7}, 1000), who); err != nil || done.Planted != 4*len(who) {
		t.Errorf("%+v, %v", done, err)
	}
	public := secret.Public()
	for name, value := range map[string][32]byte{
		"public key": [32]byte(public.Bytes()), "public key's y coordinate": public.Coordinate(), "hash of the nullifier key": public.NullifierKeyHash(),
		"commitment": public.Commitment(), "identity key": secret.RevealScalar(), "nullifier key": secret.RevealNullifierKey(),
	} {
		for _, form := range [][]byte{value[:], fmt.Appendf(nil, "%x", value)} {
			stored, err := everything(fstest.MapFS{"a/b": {Data: append([]byte("before "), form...)}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := searchFor("the disk", stored, who); !errors.Is(err, ErrUnexpected) {
				t.Errorf("%s is not found in %q: %v", name, stored, err)
			}
		}
	}
	named, err := everything(fstest.MapFS{"a/" + public.Commitment().String(): {}})
	if err != nil {
		t.Fatal(err)
	}
	if find(named, who) != "commitment" {
		t.Error("a commitment in a file's name is not found")
	}
}

// What is sought for must be something.
func TestSearchForNothing(t *testing.T) {
	if _, err := searchFor("the disk", []byte("something"), []needle{{name: "key"}}); err == nil {
		t.Error("an empty needle is not found, and that passes")
	}
}
