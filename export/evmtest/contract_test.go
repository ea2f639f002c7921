package evmtest

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"

	"github.com/zkkex/zkkex/export"
	"github.com/zkkex/zkkex/internal/nodetest"
)

// contract is a compiled contract.
type contract struct {
	abi  abi.ABI
	code []byte
}

// compileVerifier compiles the contract of a key.
func compileVerifier(t *testing.T, key *export.Key) contract {
	t.Helper()
	source, err := key.Solidity()
	if err != nil {
		t.Fatal(err)
	}
	return compile(t, "Verifier", source)
}

// compiled are the contracts that solc was asked for, by their source: it takes
// more than a second each.
var compiled = make(map[string]contract)

// compile compiles the contract of a name with solc, with its optimizer.
func compile(t *testing.T, name string, source []byte) contract {
	t.Helper()
	if c, ok := compiled[string(source)]; ok {
		return c
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name+".sol"), source, 0o600); err != nil {
		t.Fatal(err)
	}
	printed, exit := nodetest.Run(t, dir, "solc/solc.js", "--optimize", "--bin", "--abi", name+".sol")
	if exit != 0 {
		t.Fatalf("solc: exit code %d:\n%s", exit, printed)
	}
	output := filepath.Join(dir, name+"_sol_"+name)
	code, err := hex.DecodeString(string(bytes.TrimSpace(read(t, output+".bin"))))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := abi.JSON(bytes.NewReader(read(t, output+".abi")))
	if err != nil {
		t.Fatal(err)
	}
	compiled[string(source)] = contract{abi: parsed, code: code}
	return compiled[string(source)]
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// deployed is a contract on a chain.
type deployed struct {
	contract
	chain   *chain
	address common.Address
}

// deploy creates the contract, with the arguments of its constructor.
func (c *chain) deploy(t *testing.T, code contract, args ...any) (*deployed, receipt) {
	t.Helper()
	packed, err := code.abi.Pack("", args...)
	if err != nil {
		t.Fatal(err)
	}
	r := c.send(t, nil, slices.Concat(code.code, packed))
	if r.reverted {
		t.Fatal("the contract's creation reverts")
	}
	return &deployed{contract: code, chain: c, address: r.contract}, r
}

// pack returns the data of a call, as go-ethereum encodes it.
func (d *deployed) pack(t *testing.T, method string, args ...any) []byte {
	t.Helper()
	data, err := d.abi.Pack(method, args...)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// call makes a transaction that calls the contract.
func (d *deployed) call(t *testing.T, data []byte) receipt {
	t.Helper()
	return d.chain.send(t, &d.address, data)
}
