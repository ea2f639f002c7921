package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex/export"
)

func (a *app) exportSnarkjsCommand() *cobra.Command {
	var o exportOptions
	c := &cobra.Command{
		Use:   "snarkjs PRESENTATION --params DIR|dev --out DIR",
		Short: "write a proof and its key for snarkjs",
		Long: `Snarkjs writes what snarkjs needs to verify a proof: the verifying key, the
public inputs and the proof, each as JSON, and prints the command that verifies
them. A proof that does not verify is not exported, nor is one of PLONK.

snarkjs is a second opinion on the proof, and on nothing else. It does not know
which root, scope, limit and binding were expected, nor whether the slot was
used before: "zkkex verify" decides about all of these. The public inputs are,
in this order, root, scope, limit, nullifier and binding.`,
		Example: `  zkkex export snarkjs order.proof --params dev --out ./snarkjs
  zkkex export snarkjs - --params ./params --params-digest "$DIGEST" \
      --out ./snarkjs < order.proof`,
		Args: arguments(1, 1, "PRESENTATION"),
	}
	o.register(c)
	c.RunE = a.run(func(_ context.Context, args []string) (result, error) { return a.exportSnarkjs(&o, args[0]) })
	return c
}

func (a *app) exportSnarkjs(o *exportOptions, presentation string) (result, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	key, proof, err := a.exportProof(o, presentation)
	if err != nil {
		return nil, err
	}
	if err := o.write(map[string][]byte{
		export.SnarkjsKeyFile:    key.Snarkjs(),
		export.SnarkjsPublicFile: proof.SnarkjsPublic(),
		export.SnarkjsProofFile:  proof.Snarkjs(),
	}); err != nil {
		return nil, err
	}
	r := &exportedResult{Params: key.Params().String()}
	command := []string{"npx", "snarkjs", "groth16", "verify"}
	for _, name := range []string{export.SnarkjsKeyFile, export.SnarkjsPublicFile, export.SnarkjsProofFile} {
		r.Files = append(r.Files, o.path(name))
		command = append(command, shellWord(o.path(name)))
	}
	r.Command = strings.Join(command, " ")
	r.next = "verify it with\n\n  " + r.Command
	return r, nil
}
