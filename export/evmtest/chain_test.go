package evmtest

import (
	"errors"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"
)

// The block that every transaction is in: on mainnet, after the last fork that
// this version of go-ethereum has a date for.
const (
	blockNumber = 25_000_000
	blockTime   = 1_795_000_000 // November 2026
	blockGas    = 60_000_000
)

// txGas is what transactions may use: mainnet's bound for one.
const txGas = params.MaxTxGas

// chain is a state with mainnet's rules, and who sends the next transaction when.
type chain struct {
	state  *state.StateDB
	sender common.Address
	time   uint64
}

func newChain(t *testing.T) *chain {
	t.Helper()
	s, err := state.New(types.EmptyRootHash, state.NewDatabaseForTesting())
	if err != nil {
		t.Fatal(err)
	}
	return &chain{state: s, sender: common.HexToAddress("0x5e4de7"), time: blockTime}
}

// receipt is what became of a transaction.
type receipt struct {
	gas      uint64
	output   []byte
	reverted bool
	contract common.Address
}

// send makes a transaction of data; to is nil for the creation of a contract. A
// test fails if the transaction is not a valid one; one that reverts is.
func (c *chain) send(t *testing.T, to *common.Address, data []byte) receipt {
	t.Helper()
	evm := vm.NewEVM(vm.BlockContext{
		CanTransfer: core.CanTransfer,
		Transfer:    core.Transfer,
		GetHash:     func(uint64) common.Hash { return common.Hash{} },
		BlockNumber: big.NewInt(blockNumber),
		Time:        c.time,
		GasLimit:    blockGas,
		Difficulty:  new(big.Int),
		BaseFee:     new(big.Int),
		BlobBaseFee: big.NewInt(1),
		Random:      &common.Hash{},
	}, c.state, params.MainnetChainConfig, vm.Config{})
	nonce := c.state.GetNonce(c.sender)
	result, err := core.ApplyMessage(evm, &core.Message{
		From: c.sender, To: to, Nonce: nonce, Data: data, GasLimit: txGas,
		Value: new(uint256.Int), GasPrice: new(uint256.Int), GasFeeCap: new(uint256.Int), GasTipCap: new(uint256.Int),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.state.Finalise(evm.ChainConfig().Rules(big.NewInt(blockNumber), true, c.time))
	r := receipt{contract: crypto.CreateAddress(c.sender, nonce), gas: result.UsedGas, output: result.ReturnData, reverted: errors.Is(result.Err, vm.ErrExecutionReverted)}
	if result.Err != nil && !r.reverted {
		t.Fatalf("the transaction failed, without a revert: %v", result.Err)
	}
	return r
}
