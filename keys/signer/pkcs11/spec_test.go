package pkcs11

import (
	"encoding/hex"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/zkkex/zkkex/internal/eckey"
)

// The table of derived secrets in docs/spec/signers.md holds.
func TestSpecDerivedSecrets(t *testing.T) {
	text, err := os.ReadFile("../../../docs/spec/signers.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "\n### Derived secrets\n")
	section, _, _ := strings.Cut(after, "\n## ")
	seen := map[eckey.Curve]int{}
	for row := range strings.Lines(section) {
		cells := strings.Split(strings.TrimSpace(row), "|")
		if len(cells) != 6 || !strings.Contains(cells[4], "`") {
			continue
		}
		curve, scalar, _ := strings.Cut(strings.TrimSpace(cells[1]), " ")
		c := map[string]eckey.Curve{"p256": eckey.P256, "secp256k1": eckey.Secp256k1}[curve]
		sk, ok := new(big.Int).SetString(strings.Trim(scalar, "`"), 16)
		if c == 0 || !ok {
			t.Fatalf("no key in %q", row)
		}
		seen[c]++
		label, public, secret := strings.Trim(cells[2], " `"), strings.Trim(cells[3], " `"), strings.Trim(cells[4], " `")
		got := expected(t, &fakeObject{sk: sk, curve: c}, label)
		if point := publicOf(t, c, sk).Bytes(); hex.EncodeToString(point[:]) != public || hex.EncodeToString(got[:]) != secret {
			t.Errorf("%s %s: public key %x, secret %x", curve, label, point, got)
		}
	}
	if seen[eckey.P256] < 1 || seen[eckey.Secp256k1] < 1 {
		t.Errorf("the table has %v", seen)
	}
}
