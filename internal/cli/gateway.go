package cli

import (
	"path/filepath"

	"github.com/spf13/cobra"
)

func (a *app) gatewayCommand() *cobra.Command {
	var o gatewayOptions
	c := &cobra.Command{
		Use:     "gateway",
		GroupID: groupVenue,
		Short:   "take anonymous orders at a venue, and hand them to its matching engine",
		Long: `Gateway takes orders from members that it cannot name, on the channels that
"zkkex venue" admits, and hands them to the venue's matching engine. It keeps a
journal: what was told to anybody survives a crash, and an order that comes
twice is done once.

On one address, it takes the framed protocol of the library and of "zkkex
order", the same messages over gRPC and as JSON over a WebSocket, and FIX 4.4
out of "zkkex tunnel".

A gateway has a folder of its own beside the venue's. Several gateways can share
a journal in PostgreSQL; if one is lost, members go on at another.`,
		RunE: a.group,
		Args: cobra.ArbitraryArgs,
	}
	o.register(c)
	c.AddCommand(
		a.gatewayInitCommand(&o),
		a.gatewayRunCommand(&o),
		a.gatewayStatusCommand(&o),
	)
	c.AddCommand(a.gatewayOperations(&o)...)
	return c
}

// gatewayOptions say which gateway.
type gatewayOptions struct{ dir string }

func (o *gatewayOptions) register(c *cobra.Command) {
	c.PersistentFlags().StringVar(&o.dir, "dir", "", "the gateway's `DIR` (default gateway in the state directory)")
}

// gatewayDir returns the gateway's folder.
func (a *app) gatewayDir(o *gatewayOptions) (string, error) {
	if o.dir != "" {
		return o.dir, nil
	}
	home, err := a.homeDir()
	return filepath.Join(home, "gateway"), err
}
