package evmtest

import (
	"bytes"
	"math/big"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/params"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/export"
	"github.com/zkkex/zkkex/export/internal/exporttest"
)

// Names of the errors in the contract.
const (
	proofInvalid    = "ProofInvalid"
	inputNotInField = "PublicInputNotInField"
)

// compressedCalldata is the size of a call of verifyCompressedProof, in bytes:
// the selector, four words of proof and five of inputs.
const compressedCalldata = 4 + 32*(4+5)

// bn254Order is the order of the scalar field.
var bn254Order, _ = new(big.Int).SetString("30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001", 16)

// scene is one circuit's contract on a chain, with two honest proofs.
type scene struct {
	*deployed
	proof           *export.Proof
	honest, another exporttest.Numbers
}

func newScene(t *testing.T, c *chain, id zkkex.CircuitID) *scene {
	t.Helper()
	key := exporttest.Key(t, id)
	presentations := exporttest.Presentations(t, id)
	proof := exporttest.Proof(t, key, presentations[0])
	on, created := c.deploy(t, compileVerifier(t, key))
	t.Logf("%v: creating the contract: %d gas, %d bytes of code", id, created.gas, len(c.state.GetCode(on.address)))
	return &scene{
		deployed: on, proof: proof,
		honest:  exporttest.Decode(t, proof.Calldata()),
		another: exporttest.Decode(t, exporttest.Proof(t, key, presentations[1]).Calldata()),
	}
}

// verifyProof calls verifyProof.
func (s *scene) verifyProof(t *testing.T, n exporttest.Numbers) receipt {
	t.Helper()
	proof, input := n.Arguments()
	return s.call(t, s.pack(t, "verifyProof", proof, input))
}

// verifyCompressed has the contract compress the proof, and calls
// verifyCompressedProof. What cannot be compressed is refused.
func (s *scene) verifyCompressed(t *testing.T, n exporttest.Numbers) receipt {
	t.Helper()
	proof, input := n.Arguments()
	r := s.call(t, s.pack(t, "compressProof", proof))
	if r.reverted {
		return r
	}
	return s.call(t, s.pack(t, "verifyCompressedProof", compressed(t, r.output), input))
}

func compressed(t *testing.T, output []byte) (words [4]*big.Int) {
	t.Helper()
	if len(output) != 32*len(words) {
		t.Fatalf("%d bytes of compressed proof", len(output))
	}
	for i := range words {
		words[i] = new(big.Int).SetBytes(output[32*i:][:32])
	}
	return words
}

// refused demands that a call reverted with one of the contract's errors.
func (s *deployed) refused(t *testing.T, name string, r receipt, errors ...string) {
	t.Helper()
	if !r.reverted {
		t.Errorf("%s: accepted", name)
		return
	}
	for _, e := range errors {
		if id := s.abi.Errors[e].ID; bytes.Equal(r.output, id[:4]) {
			return
		}
	}
	t.Errorf("%s: reverts with %x, want %v", name, r.output, errors)
}

// TestEVM has honest proofs of both circuits accepted on a chain with mainnet's
// rules, and everything refused that can be changed in them.
func TestEVM(t *testing.T) {
	c := newChain(t)
	var scenes []*scene
	for _, id := range exporttest.Circuits() {
		scenes = append(scenes, newScene(t, c, id))
	}
	for i, id := range exporttest.Circuits() {
		s := scenes[i]
		t.Run(id.String(), func(t *testing.T) {
			s.acceptsHonest(t)
			s.refusesTampered(t)
			s.refused(t, "for the other circuit's key", scenes[1-i].call(t, s.proof.Calldata()), proofInvalid)
		})
	}
}

func (s *scene) acceptsHonest(t *testing.T) {
	t.Helper()
	data := s.proof.Calldata()
	r := s.call(t, data)
	if r.reverted {
		t.Fatalf("an honest proof is refused: %x", r.output)
	}
	t.Logf("verifyProof: %d gas, %d bytes of calldata", r.gas, len(data))
	proof, input := s.honest.Arguments()
	if !bytes.Equal(data, s.pack(t, "verifyProof", proof, input)) {
		t.Error("go-ethereum encodes the call in another way")
	}
	r = s.verifyCompressed(t, s.honest)
	if r.reverted {
		t.Fatalf("an honest compressed proof is refused: %x", r.output)
	}
	t.Logf("verifyCompressedProof: %d gas, %d bytes of calldata", r.gas, compressedCalldata)
	if s.verifyProof(t, s.another).reverted || s.verifyProof(t, exporttest.Rerandomised(s.honest)).reverted {
		t.Error("another honest proof, or a re-randomised one, is refused")
	}
}

func (s *scene) refusesTampered(t *testing.T) {
	t.Helper()
	cases := append(exporttest.Tampered(s.honest, s.another), exporttest.Aliased(s.honest)...)
	for _, c := range cases {
		s.refused(t, c.Name, s.verifyProof(t, c.Numbers), proofInvalid, inputNotInField)
		s.refused(t, c.Name+", compressed", s.verifyCompressed(t, c.Numbers), proofInvalid, inputNotInField)
	}
	if len(cases) < 55 {
		t.Errorf("%d cases, expected more", len(cases))
	}
}

// TestInputsAreBelowTheOrder names the error: an input and the same plus the
// order of the field would otherwise be two nullifiers of one slot.
func TestInputsAreBelowTheOrder(t *testing.T) {
	s := newScene(t, newChain(t), zkkex.BabyJubjub20)
	for i := range s.honest.Inputs {
		n := s.honest.Clone()
		n.Inputs[i].Add(n.Inputs[i], bn254Order)
		s.refused(t, "input plus the order", s.verifyProof(t, n), inputNotInField)
		n.Inputs[i].Set(bn254Order)
		s.refused(t, "the order itself", s.verifyProof(t, n), inputNotInField)
		n.Inputs[i].SetBit(new(big.Int), 255, 1)
		s.refused(t, "2^255", s.verifyProof(t, n), inputNotInField)
	}
}

// TestCalldata cuts the data of a call at every word, and writes the same call in
// other ways. What is missing is refused; the other ways are accepted, so that
// calldata is no replay key.
func TestCalldata(t *testing.T) {
	s := newScene(t, newChain(t), zkkex.BabyJubjub20)
	data := s.proof.Calldata()
	cuts := []int{0, 1, 3, len(data) - 1}
	for at := 4; at < len(data); at += 32 {
		cuts = append(cuts, at)
	}
	for _, at := range cuts {
		if !s.call(t, data[:at]).reverted {
			t.Errorf("%d of %d bytes are accepted", at, len(data))
		}
	}
	for _, at := range []int{4 + 31, 4 + 32*6 + 31} { // where the proof begins, and its size
		changed := slices.Clone(data)
		changed[at]--
		if !s.call(t, changed).reverted {
			t.Errorf("one less in byte %d is accepted", at)
		}
	}
	const begin = 4 + 32*6 // of the proof's size, which the first word points to
	elsewhere := slices.Insert(slices.Clone(data), begin, make([]byte, 32)...)
	elsewhere[4+31] += 32
	for name, other := range map[string][]byte{
		"a byte that follows":    append(slices.Clone(data), 0xff),
		"the proof a word later": elsewhere,
	} {
		if s.call(t, other).reverted {
			t.Errorf("%s: refused, and docs/spec/export.md says that it is not", name)
		}
	}
}

// TestRulesAreMainnets: the block is after every fork that has a date.
func TestRulesAreMainnets(t *testing.T) {
	config := params.MainnetChainConfig
	rules := config.Rules(big.NewInt(blockNumber), true, blockTime)
	if !rules.IsOsaka || rules.IsAmsterdam {
		t.Errorf("expected the rules of Osaka, got %+v", rules)
	}
	if latest := config.LatestFork(1 << 62); config.LatestFork(blockTime) != latest {
		t.Errorf("mainnet's last fork with a date is %v: set blockTime after it, and measure again", latest)
	}
}
