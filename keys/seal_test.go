package keys

import (
	"errors"
	"testing"

	"github.com/zkkex/zkkex"
)

func TestSeal(t *testing.T) {
	sealed, err := encrypt([]byte("payload"), "passphrase", 10)
	if err != nil {
		t.Fatal(err)
	}
	text := appendArmor(nil, sealed)
	if got, err := Unseal(text, "passphrase"); err != nil || string(got) != "payload" {
		t.Errorf("%q, %v", got, err)
	}
	for name, c := range map[string]struct {
		text       []byte
		passphrase string
		want       error
	}{
		"another passphrase": {text, "other", ErrPassphrase},
		"none":               {text, "", ErrNoPassphrase},
		"one byte more":      {append(text[:len(text):len(text)], '\n'), "passphrase", zkkex.ErrMalformed},
		"one byte less":      {text[:len(text)-1], "passphrase", zkkex.ErrMalformed},
		"nothing":            {nil, "passphrase", zkkex.ErrMalformed},
	} {
		if _, err := Unseal(c.text, c.passphrase); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Seal(nil, ""); !errors.Is(err, ErrNoPassphrase) {
		t.Errorf("sealed without a passphrase: %v", err)
	}
}
