package cli

import (
	"context"
	"encoding/hex"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex/export"
)

func (a *app) exportSolidityCommand() *cobra.Command {
	var o exportOptions
	c := &cobra.Command{
		Use:   "solidity [PRESENTATION] --params DIR|dev --out DIR",
		Short: "write a contract that verifies proofs, and a call of it",
		Long: `Solidity writes Verifier.sol, a contract with the verifying key in it, and, for
a PRESENTATION, calldata.hex: a call of its verifyProof with that proof. The
call reverts unless the proof verifies, and returns nothing. A proof that does
not verify is not exported.

The contract proves this much: somebody knows a key whose commitment is under
the root (input 0), the nullifier (3) is that key's for the scope (1) and a slot
below the limit (2), and the proof was made for the binding (4). What the
contract does not do, and its caller must:

  root       compare it with the roots that the registry published
  scope      compute it: registry, name, and the epoch that the clock says
  limit      compare it with the limit
  binding    compute it from what is authorised, which should name the sender:
             anybody who sees the call can make it first
  nullifier  refuse it if it was there before in this scope, and record it in
             the same transaction: neither proof nor calldata tells a repetition

Scope and binding are hashes, reduced modulo R. The contract refuses any input
that is not below R. Whoever can forge proofs of the parameter set can forge
them on a chain too.`,
		Example: `  zkkex export solidity order.proof --params ./params \
      --params-digest "$DIGEST" --out ./contract
  zkkex export solidity order.proof --params dev --out ./contract
  zkkex export solidity --params ./params --params-digest "$DIGEST" \
      --out ./contract`,
		Args: arguments(0, 1, "at most one PRESENTATION"),
	}
	o.register(c)
	c.RunE = a.run(func(_ context.Context, args []string) (result, error) { return a.exportSolidity(&o, args) })
	return c
}

func (a *app) exportSolidity(o *exportOptions, presentations []string) (result, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if len(presentations) == 0 {
		key, err := a.onlyKey(o)
		if err != nil {
			return nil, err
		}
		return o.writeContract(key, nil)
	}
	key, proof, err := a.exportProof(o, presentations[0])
	if err != nil {
		return nil, err
	}
	return o.writeContract(key, proof)
}

// onlyKey returns the key of the one set that the flags name.
func (a *app) onlyKey(o *exportOptions) (*export.Key, error) {
	sets, err := o.params.verifying()
	if err != nil {
		return nil, err
	}
	if len(sets) != 1 {
		return nil, withHint(usagef("%s has parameters of %d circuits: give a PRESENTATION, or choose one with --params-digest", o.params.which, len(sets)),
			"zkkex setup show prints their digests")
	}
	return a.exportKey(o, sets[0])
}

// writeContract writes the contract and, if there is a proof, a call of it.
func (o *exportOptions) writeContract(key *export.Key, proof *export.Proof) (result, error) {
	contract, err := key.Solidity()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{export.ContractFile: contract}
	r := &exportedResult{
		Params: key.Params().String(), Files: []string{o.path(export.ContractFile)},
		next: export.ContractFile + " proves the statement alone. What its caller has to check, first of all that\nthe nullifier is unused, is in zkkex export solidity --help",
	}
	if proof != nil {
		files[export.CalldataFile] = []byte("0x" + hex.EncodeToString(proof.Calldata()) + "\n")
		r.Files = append(r.Files, o.path(export.CalldataFile))
	}
	if err := o.write(files); err != nil {
		return nil, err
	}
	return r, nil
}
