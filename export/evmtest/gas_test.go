package evmtest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/zkkex/zkkex/export/internal/exporttest"
)

// TestGas compares the figures of docs/spec/export.md and docs/benchmarks, which
// are of a proof that does not change.
func TestGas(t *testing.T) {
	key, p := exporttest.Sample(t, "../testdata")
	c := newChain(t)
	code := compileVerifier(t, key)
	on, created := c.deploy(t, code)
	s := &scene{deployed: on, proof: exporttest.Proof(t, key, p)}
	s.honest = exporttest.Decode(t, s.proof.Calldata())
	data := s.proof.Calldata()
	plain, short := s.call(t, data), s.verifyCompressed(t, s.honest)
	if plain.reverted || short.reverted {
		t.Fatal("the sample is refused")
	}
	spec := string(read(t, "../../docs/spec/export.md"))
	for _, row := range []string{
		fmt.Sprintf("| `verifyProof` | %d | %s |", len(data), thousands(plain.gas)),
		fmt.Sprintf("| `verifyCompressedProof` | %d | %s |", compressedCalldata, thousands(short.gas)),
		fmt.Sprintf("| creation of the contract, %s bytes of code | %s | %s |", thousands(uint64(len(c.state.GetCode(on.address)))), thousands(uint64(len(code.code))), thousands(created.gas)),
	} {
		t.Log(row)
		if !strings.Contains(spec, row+"\n") {
			t.Errorf("docs/spec/export.md does not have the row %s", row)
		}
	}
	benchmarks := string(read(t, "../../docs/benchmarks/README.md"))
	for _, gas := range []uint64{plain.gas, short.gas, created.gas} {
		if !strings.Contains(benchmarks, thousands(gas)) {
			t.Errorf("docs/benchmarks/README.md does not have the figure %s", thousands(gas))
		}
	}
}

// thousands writes a number below a billion with commas.
func thousands(n uint64) string {
	switch {
	case n < 1000:
		return fmt.Sprint(n)
	case n < 1_000_000:
		return fmt.Sprintf("%d,%03d", n/1000, n%1000)
	default:
		return fmt.Sprintf("%d,%03d,%03d", n/1_000_000, n/1000%1000, n%1000)
	}
}
