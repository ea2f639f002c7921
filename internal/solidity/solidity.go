// Package solidity has gnark write the contract that verifies Groth16 proofs.
package solidity

import (
	"bytes"
	"fmt"

	gnark "github.com/consensys/gnark/backend/groth16/bn254"
	"github.com/consensys/gnark/backend/solidity"

	"github.com/zkkex/zkkex/internal/quiet"
)

// pragma is the range of compilers that the contract accepts.
const pragma = "^0.8.20"

// Contract returns the source of a contract with the verifying key in it, which is in
// the encoding of docs/spec/proof.md and was checked.
func Contract(verifyingKey []byte) ([]byte, error) {
	quiet.Gnark()
	// gnark changes the key while it writes: this one is nobody else's.
	var vk gnark.VerifyingKey
	if _, err := vk.ReadFrom(bytes.NewReader(verifyingKey)); err != nil {
		return nil, fmt.Errorf("decoding the verifying key: %w", err)
	}
	var contract bytes.Buffer
	if err := vk.ExportSolidity(&contract, solidity.WithPragmaVersion(pragma)); err != nil {
		return nil, fmt.Errorf("writing the contract: %w", err)
	}
	return bytes.TrimLeft(contract.Bytes(), "\n"), nil
}
