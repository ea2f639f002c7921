package cli

import (
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/zkkex/zkkex/internal/demo"
)

func (a *app) demoCommand() *cobra.Command {
	var o demo.Options
	var headless bool
	c := &cobra.Command{
		Use:     "demo",
		GroupID: groupOther,
		Short:   "play the whole story: anonymous orders, lost connections, and what is refused",
		Long: `Demo plays the main job through, with nothing pretended, in one process and
without any set-up: a registrar with 10,000 members, a venue, and traders who
send orders that the venue cannot tell whose they are. Connections are cut and
the gateway is stopped in the middle of orders; nothing is lost, and nothing
comes twice.

Then one order is shown as the trader, the venue and the network know it,
decoded from their folders and from recorded bytes, and both are searched for
what must not be there. Replays, forged proofs, members beyond their limit,
banned and revoked ones and more are refused, each for the one reason expected.
Anything else ends the demo with an error.

On a terminal it uses colours, unless NO_COLOR is set. Every party has a folder
of its own; --dir keeps them.`,
		Example: `  zkkex demo
  zkkex demo --members 50000 --traders 8 --dir ./demo
  zkkex demo --headless     # plain lines, for logs
  zkkex demo --json`,
		Args: noArguments,
	}
	f := c.Flags()
	f.IntVar(&o.Members, "members", demo.DefaultMembers, "`NUMBER` of members of the registry before the story")
	f.IntVar(&o.Traders, "traders", demo.DefaultTraders, "`NUMBER` of traders")
	f.StringVar(&o.Dir, "dir", "", "keep everybody's folders in `DIR`, which is missing or empty")
	f.BoolVar(&headless, "headless", false, "plain lines alone, without colours, also on a terminal")
	// The story goes to standard output as it happens, and in JSON the demo
	// writes the one object itself.
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		a.started = true
		o.Out, o.JSON = a.env.Stdout, a.json
		shown := isTerminal(a.env.Stdout) && !headless && !a.json
		o.Colour = shown && a.env.Getenv("NO_COLOR") == "" && a.env.Getenv("TERM") != "dumb"
		switch {
		case a.quiet:
		case shown:
			o.Progress, o.Live = a.env.Stdout, a.env.Getenv("TERM") != "dumb"
		case headless && !a.json:
			o.Progress = a.env.Stdout
		default:
			o.Progress = a.env.Stderr
		}
		err := demo.Run(cmd.Context(), o)
		if errors.Is(err, demo.ErrOptions) {
			return &usageError{err}
		}
		return err
	}
	return c
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
