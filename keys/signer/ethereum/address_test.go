package ethereum

import (
	"errors"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
)

// Test vectors of EIP-55.
var checksummed = []string{
	"0x52908400098527886E0F7030069857D2E4169EE7",
	"0x8617E340B3D01FA5F11F306F4090FD50E238070D",
	"0xde709f2102306220921060314715629080e2fb77",
	"0x27b1fdb04752bbc536007a920d24acb045561c26",
	"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
	"0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
	"0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
	"0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
}

func TestAddressChecksum(t *testing.T) {
	for _, s := range checksummed {
		a, err := ParseAddress(s)
		if err != nil || a.String() != s {
			t.Errorf("%s is read as %v, %v", s, a, err)
		}
		for _, same := range []string{strings.ToLower(s), "0x" + strings.ToUpper(s[2:])} {
			if b, err := ParseAddress(same); err != nil || b != a {
				t.Errorf("%s is read as %v, %v", same, b, err)
			}
		}
	}
	const wrong = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeaEd" // the case of two letters
	if _, err := ParseAddress(wrong); !errors.Is(err, ErrChecksum) || !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("%s: %v", wrong, err)
	}
}

func TestAddressForms(t *testing.T) {
	good := checksummed[0]
	for _, bad := range []string{"", "0x", good[2:], good[:41], good + "0", "0X" + good[2:], "0x" + strings.Repeat("g", 40), " " + good} {
		if _, err := ParseAddress(bad); !errors.Is(err, zkkex.ErrMalformed) || errors.Is(err, ErrChecksum) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// The example of CAIP-10, and what it is not.
func TestAccount(t *testing.T) {
	const id = "eip155:1:0xab16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb"
	a, err := ParseAccount(id)
	if err != nil || a.Chain != "1" || a.String() != id {
		t.Fatalf("%v, %v", a, err)
	}
	if lower, err := ParseAccount(strings.ToLower(id)); err != nil || lower != a {
		t.Errorf("in lower case: %v, %v", lower, err)
	}
	for name, bad := range map[string]string{
		"no chain":        "eip155:" + id[9:],
		"empty chain":     "eip155::" + id[9:],
		"chain 0":         "eip155:0:" + id[9:],
		"leading zero":    "eip155:01:" + id[9:],
		"hex":             "eip155:0x1:" + id[9:],
		"negative":        "eip155:-1:" + id[9:],
		"33 digits":       "eip155:" + strings.Repeat("1", 33) + ":" + id[9:],
		"another space":   "cosmos:1:" + id[9:],
		"another suffix":  id + ":1",
		"wrong checksum":  strings.Replace(id, "ab16", "Ab16", 1),
		"upper-case name": "EIP155" + id[6:],
	} {
		if _, err := ParseAccount(bad); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseAccount(f *testing.F) {
	f.Add("eip155:1:0xab16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb")
	f.Add("eip155:137:0xab16a96d359ec26a11e2c2b3d8f8b8942d5bfcdb")
	f.Add("eip155:01:0xab16a96d359ec26a11e2c2b3d8f8b8942d5bfcdb")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAccount(s)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) {
				t.Fatalf("%v", err)
			}
			return
		}
		if again, err := ParseAccount(a.String()); err != nil || again != a {
			t.Fatalf("%q is read as %v, which is read as %v, %v", s, a, again, err)
		}
		if !strings.EqualFold(a.String(), s) {
			t.Fatalf("%q is read as %v", s, a)
		}
	})
}
