package export_test

import (
	"bytes"
	"errors"
	"flag"
	"math/big"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/sha3"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/export"
	"github.com/zkkex/zkkex/export/internal/exporttest"
	"github.com/zkkex/zkkex/internal/plonktest"
	"github.com/zkkex/zkkex/setup/dev"
	"github.com/zkkex/zkkex/setup/params"
)

var update = flag.Bool("update", false, "write the golden contract")

// TestContractIsGolden compares the sample's contract with the one in testdata,
// while others export the same key: gnark's generator changes the key that it
// is given.
func TestContractIsGolden(t *testing.T) {
	const golden = "testdata/Verifier.sol"
	key, _ := exporttest.Sample(t, "testdata")
	before := key.Snarkjs()
	var contracts [8][]byte
	var wg sync.WaitGroup
	for i := range contracts {
		wg.Go(func() {
			contract, err := key.Solidity()
			if err != nil {
				t.Error(err)
			}
			contracts[i] = contract
		})
	}
	wg.Wait()
	if *update {
		if err := os.WriteFile(golden, contracts[0], 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	for _, contract := range contracts {
		if !bytes.Equal(contract, want) {
			t.Fatalf("the contract is not that of %s; if it changed on purpose: go test ./export -run Golden -update", golden)
		}
	}
	if !bytes.Equal(key.Snarkjs(), before) {
		t.Error("an export changed the key")
	}
}

// TestContractsDiffer: the key, the circuit and the digest are in the text.
func TestContractsDiffer(t *testing.T) {
	var contracts []string
	for _, id := range exporttest.Circuits() {
		key := exporttest.Key(t, id)
		contract, err := key.Solidity()
		if err != nil {
			t.Fatal(err)
		}
		contracts = append(contracts, string(contract))
		for _, want := range []string{"verifier of " + id.String() + ",", key.Params().String(), "caller checks"} {
			if !strings.Contains(contracts[len(contracts)-1], want) {
				t.Errorf("%v: the contract does not say %q", id, want)
			}
		}
	}
	constants := func(contract string) (lines []string) {
		for line := range strings.Lines(contract) {
			if strings.Contains(line, "PUB_") && strings.Contains(line, " = ") || strings.Contains(line, "DELTA_NEG_X") {
				lines = append(lines, line)
			}
		}
		return lines
	}
	if first, second := constants(contracts[0]), constants(contracts[1]); len(first) < 10 || slices.Equal(first, second) {
		t.Error("two keys have one contract")
	}
}

// TestCalldataIsCanonical: the selector is that of the signature, and whatever
// verifies decodes to the proof and the inputs that the calldata was made of,
// each in its one form.
func TestCalldataIsCanonical(t *testing.T) {
	key, p := exporttest.Sample(t, "testdata")
	data := exporttest.Proof(t, key, p).Calldata()
	h := sha3.NewLegacyKeccak256()
	h.Write([]byte("verifyProof(bytes,uint256[5])"))
	if selector := h.Sum(nil)[:4]; len(data) != export.CalldataSize || !bytes.Equal(data[:4], selector) {
		t.Errorf("%d bytes that begin with %x, want %d with %x", len(data), data[:4], export.CalldataSize, selector)
	}
	n := exporttest.Decode(t, data)
	st := p.Statement
	order, _ := new(big.Int).SetString("30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001", 16)
	for i, want := range [][]byte{st.Root[:], st.Scope[:], {byte(st.Limit)}, st.Nullifier[:], st.Binding[:]} {
		reduced := new(big.Int).SetBytes(want)
		if n.Inputs[i].Cmp(reduced.Mod(reduced, order)) != 0 {
			t.Errorf("input %d is %x, want %x", i, n.Inputs[i], reduced)
		}
	}
	if !bytes.Equal(n.ProofBytes(), p.Proof) {
		t.Error("the points are not those of the proof")
	}
	if again := exporttest.Proof(t, key, p).Calldata(); !bytes.Equal(again, data) {
		t.Error("one presentation, two calls")
	}
}

// TestOnlyWhatVerifiesIsExported: a proof for another statement, one that is
// none, and one of the other circuit.
func TestOnlyWhatVerifiesIsExported(t *testing.T) {
	key, p := exporttest.Sample(t, "testdata")
	other := p.Statement
	other.Nullifier[31] ^= 1
	circuit := p.Statement
	circuit.Circuit = zkkex.BabyJubjub32
	notCanonical := p.Statement
	notCanonical.Root = zkkex.Root(bytes.Repeat([]byte{0xff}, 32))
	for name, test := range map[string]struct {
		st    zkkex.Statement
		proof zkkex.Proof
		want  error
	}{
		"another statement": {other, p.Proof, zkkex.Reject(zkkex.BadProof, "")},
		"no points":         {p.Statement, make(zkkex.Proof, len(p.Proof)), zkkex.Reject(zkkex.BadProof, "")},
		"no proof":          {p.Statement, nil, zkkex.Reject(zkkex.BadProof, "")},
		"another circuit":   {circuit, p.Proof, zkkex.Reject(zkkex.WrongCircuit, "")},
		"root too large":    {notCanonical, p.Proof, zkkex.ErrMalformed},
	} {
		proof, err := key.Proof(&test.st, test.proof)
		var got, want *zkkex.RejectError
		ok := errors.Is(err, test.want)
		if errors.As(test.want, &want) {
			ok = errors.As(err, &got) && got.Reason == want.Reason
		}
		if !ok || proof != nil {
			t.Errorf("%s: %v, %v; want %v", name, proof, err, test.want)
		}
	}
}

// TestPlonkIsUnsupported: the forms here are those of Groth16.
// No contract is written for a circuit whose proofs have a commitment.
func TestCommitmentIsUnsupported(t *testing.T) {
	fsys, err := dev.FS(zkkex.P256Key20)
	if err != nil {
		t.Fatal(err)
	}
	set, err := params.OpenVerifying(fsys, params.Accept{Dev: true})
	if err != nil {
		t.Fatal(err)
	}
	key, err := export.NewKey(set)
	if !errors.Is(err, zkkex.ErrUnsupported) || key != nil || !strings.Contains(err.Error(), "have a commitment") {
		t.Errorf("%v, %v; want %v that names the commitment", key, err, zkkex.ErrUnsupported)
	}
}

func TestPlonkIsUnsupported(t *testing.T) {
	set := plonktest.Params(t, zkkex.BabyJubjub20Plonk)
	key, err := export.NewKey(set.Verifying)
	if !errors.Is(err, zkkex.ErrUnsupported) || key != nil || !strings.Contains(err.Error(), "expected groth16") {
		t.Errorf("%v, %v; want %v that names groth16", key, err, zkkex.ErrUnsupported)
	}
}
