package ptau

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"testing"
)

// TestChainThatEndsInAContribution: there are bytes for as many contributions as are
// claimed, and the first one's name takes them from the second.
func TestChainThatEndsInAContribution(t *testing.T) {
	b, err := os.ReadFile("testdata/sample.ptau")
	if err != nil {
		t.Fatal(err)
	}
	file, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	chain := file.Chain().Bytes()
	parameters := binary.LittleEndian.Uint32(chain[4+fixedSize-4:])
	if parameters == 0 {
		t.Fatal("the first contribution of the sample has no name")
	}
	nameless := append([]byte{1, 0, 0, 0}, chain[4:4+fixedSize]...)
	for _, rest := range [][]byte{{parameterName}, {parameterExponent}, {parameterName, 2, 'A'}} {
		binary.LittleEndian.PutUint32(nameless[fixedSize:], uint32(len(rest)))
		_, err := ParseChain(append(nameless, rest...), file.CeremonyPower())
		var refused *Error
		if !errors.As(err, &refused) || refused.Check != CheckFormat || refused.Contribution != 1 {
			t.Errorf("parameters %v: %v, want a refusal of contribution 1 by %q", rest, err, CheckFormat)
		}
	}

	binary.LittleEndian.PutUint32(chain, 2)
	for _, size := range []int{2 * fixedSize, 2*fixedSize + int(parameters) - 1} {
		_, err := ParseChain(chain[:4+size], file.CeremonyPower())
		var refused *Error
		if !errors.As(err, &refused) || refused.Check != CheckFormat || refused.Contribution != 2 {
			t.Errorf("%d bytes: %v, want a refusal of contribution 2 by %q", size, err, CheckFormat)
		}
	}
}
