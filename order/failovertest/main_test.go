// Package failovertest loses gateways, as their members and operators see it: by the
// commands of zkkex, each in a process of its own, on PostgreSQL, and with FIX
// clients that know nothing of zkkex. Whatever is lost, every order exists exactly
// once, and every report on it arrives exactly once and in order.
package failovertest

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/zkkex/zkkex/internal/cli"
)

// patience is how long tests wait for what must happen. It is no measure of how long
// that takes.
const patience = 2 * time.Minute

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"zkkex": func() {
			ctx, stop := cli.Interruptible(context.Background())
			defer stop()
			os.Exit(cli.Main(ctx, cli.SystemEnv(), os.Args[1:]))
		},
		"victim-gateway": victimGateway,
		"victim-client":  victimClient,
	})
}

// deep reports whether the long checks are asked for.
func deep() bool { return os.Getenv("ZKKEX_DEEP") != "" }
