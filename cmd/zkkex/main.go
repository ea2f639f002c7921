// Command zkkex proves ownership of a key in a registry without saying which.
// Run "zkkex --help".
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/zkkex/zkkex/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	exit := cli.Main(ctx, cli.SystemEnv(), os.Args[1:])
	stop()
	os.Exit(exit)
}
