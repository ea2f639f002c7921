// Command zkkex proves ownership of a key in a registry without saying which.
// Run "zkkex --help".
package main

import (
	"context"
	"os"

	"github.com/zkkex/zkkex/internal/cli"
)

func main() {
	ctx, stop := cli.Interruptible(context.Background())
	exit := cli.Main(ctx, cli.SystemEnv(), os.Args[1:])
	stop()
	os.Exit(exit)
}
