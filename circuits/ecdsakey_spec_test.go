package circuits

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/zkkex/zkkex/internal/field"
)

const ecKeySpecification = "../docs/spec/circuit-ecdsa-key.md"

func readECKeySpecification(t *testing.T) string {
	t.Helper()
	spec, err := os.ReadFile(ecKeySpecification)
	if err != nil {
		t.Fatal(err)
	}
	return string(spec)
}

// The sample of the specification, computed.
func TestECKeySpecificationSample(t *testing.T) {
	const scalar = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
	k, ok := new(big.Int).SetString(scalar, 16)
	if !ok {
		t.Fatal("the scalar is no number")
	}
	var sample strings.Builder
	fmt.Fprintf(&sample, "```\nscalar      %s\n", scalar)
	for i, keyType := range ecTypes {
		base := baseOf(keyType)
		digits := recodeECT(t, k, base.curve.n)
		if i == 0 {
			fmt.Fprintf(&sample, "digits      %s\n", digits.hex())
		}
		coordinate := field.Bytes(base.coordinate(digits))
		fmt.Fprintf(&sample, "%-11v %064x\ncoordinate  %x\n", keyType, base.multiply(digits).x, coordinate)
	}
	sample.WriteString("```\n")
	if !strings.Contains(readECKeySpecification(t), sample.String()) {
		t.Errorf("%s does not have the sample\n%s", ecKeySpecification, sample.String())
	}
}

// hex returns a byte for each window, from the top.
func (d *ECDigits) hex() string {
	out := []byte{d.Top}
	for i := len(d.Window) - 1; i >= 0; i-- {
		out = append(out, uint8((d.Window[i].value()+255)/2))
	}
	return hex.EncodeToString(out)
}
