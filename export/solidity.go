package export

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/zkkex/zkkex/internal/public"
	"github.com/zkkex/zkkex/internal/solidity"
)

// Names of the files of a contract.
const (
	ContractFile = "Verifier.sol"
	CalldataFile = "calldata.hex"
)

// CalldataSize is the size of a call in bytes: the selector (4), then words of
// 32: where the proof begins, the public inputs, the proof's size, the proof.
const CalldataSize = 4 + 32*(1+public.Count+1) + proofSize

// proofSize is the size of a proof with uncompressed points, in bytes.
const proofSize = 8 * 32

// verifyProof is the selector of "verifyProof(bytes,uint256[5])": the first
// bytes of its Keccak-256.
var verifyProof = [4]byte{0x2b, 0xe6, 0x88, 0xd4}

// Solidity returns the source of a contract, named Verifier, with the key in it:
//
//	function verifyProof(bytes calldata proof, uint256[5] calldata input) public view;
//	function verifyCompressedProof(uint256[4] calldata proof, uint256[5] calldata input) public view;
//
// Both revert unless the proof verifies for the inputs, and return nothing. An
// input that is not below the order of the scalar field is refused. The text
// depends on the parameter set and on the version of gnark alone.
func (k *Key) Solidity() ([]byte, error) {
	contract, err := solidity.Contract(k.set.VerifyingKey())
	if err != nil {
		return nil, fmt.Errorf("exporting a contract: %w", err)
	}
	return append(k.contractHead(), contract...), nil
}

// contractHead says, in comments, what the contract is and what it is not.
func (k *Key) contractHead() []byte {
	m := k.set.Manifest()
	var b bytes.Buffer
	fmt.Fprintf(&b, "// zkkex: verifier of %s, %s, kind %s.\n", m.Circuit.Name, m.ProofSystem, m.Kind)
	fmt.Fprintf(&b, "// Parameters %s.\n", k.Params())
	b.WriteString("// Inputs, each below R:")
	for i, name := range public.Names() {
		fmt.Fprintf(&b, " %d %s", i, name)
	}
	b.WriteString(".\n//\n" + contractLimits)
	return b.Bytes()
}

const contractLimits = `// It proves the statement alone. The caller checks that the root is the registry's,
// that scope, limit and binding are the expected ones, and that the nullifier is
// unused; and records the nullifier, in the same transaction. Neither proof nor
// calldata tells a repetition: anybody can make others of them. Only the nullifier
// does.
`

// Calldata returns the data of a call of verifyProof with the proof,
// [CalldataSize] bytes, in the one form that ABI encoders write.
func (p *Proof) Calldata() []byte {
	out := make([]byte, 0, CalldataSize)
	out = append(out, verifyProof[:]...)
	out = appendWord(out, 32*(1+public.Count))
	for i := range p.inputs {
		input := p.inputs[i].Bytes()
		out = append(out, input[:]...)
	}
	out = appendWord(out, proofSize)
	a, b, c := p.points.A.RawBytes(), p.points.B.RawBytes(), p.points.C.RawBytes()
	out = append(out, a[:]...)
	out = append(out, b[:]...)
	return append(out, c[:]...)
}

func appendWord(b []byte, v uint64) []byte {
	return binary.BigEndian.AppendUint64(append(b, make([]byte, 24)...), v)
}
