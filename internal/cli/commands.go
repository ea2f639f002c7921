package cli

import "github.com/spf13/cobra"

// commands returns the commands, each made in the file of its name.
func (a *app) commands() []*cobra.Command {
	return []*cobra.Command{
		a.keygenCommand(),
		a.trustCommand(),
		a.enrollCommand(),
		a.keysCommand(),
		a.thresholdCommand(),
		a.syncCommand(),
		a.statusCommand(),
		a.proveCommand(),
		a.backupCommand(),
		a.restoreCommand(),
		a.recoverCommand(),
		a.verifyCommand(),
		a.exportCommand(),
		a.tunnelCommand(),
		a.orderCommand(),
		a.rfqCommand(),
		a.venueCommand(),
		a.serveCommand(),
		a.gatewayCommand(),
		a.bookCommand(),
		a.registryCommand(),
		a.setupCommand(),
		a.inspectCommand(),
		a.doctorCommand(),
		a.benchCommand(),
		a.demoCommand(),
		a.versionCommand(),
		jsonTopic(),
		exitTopic(),
	}
}
