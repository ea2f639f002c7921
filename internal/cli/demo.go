package cli

import (
	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex/internal/demo"
)

func (a *app) demoCommand() *cobra.Command {
	var o demo.Options
	c := &cobra.Command{
		Use:     "demo",
		GroupID: groupOther,
		Short:   "play the whole story: a registry, a proof, and what is refused",
		Long: `Demo plays the main job through, with nothing pretended: a registrar with
thousands of members serves its registry over a local socket, one more member
enrols, syncs and proves, and a verifier accepts once. Then a replay, forged
proofs, other messages, a member beyond its limit, a revoked member and more are
refused, each for the one reason expected; anything else ends the demo with an
error. Every party has a folder of its own.`,
		Example: `  zkkex demo
  zkkex demo --members 50000 --dir ./demo
  zkkex demo --json`,
		Args: noArguments,
	}
	c.Flags().IntVar(&o.Members, "members", demo.DefaultMembers, "`NUMBER` of members of the registry before the story")
	c.Flags().StringVar(&o.Dir, "dir", "", "keep everybody's folders in `DIR`, which is missing or empty")
	// The story goes to standard output as it happens, and in JSON the demo
	// writes the one object itself.
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		a.started = true
		o.Out, o.JSON = a.env.Stdout, a.json
		return demo.Run(cmd.Context(), o)
	}
	return c
}
