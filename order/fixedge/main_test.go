package fixedge

import (
	"flag"
	"os"
	"testing"

	"github.com/quickfixgo/quickfix"

	"github.com/zkkex/zkkex/internal/pgtest"
	"github.com/zkkex/zkkex/order"
)

// TestMain runs more tests at once than there are processors: a session of quickfix
// sleeps until the next full second before it begins, so that they mostly wait.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	os.Exit(pgtest.Main(m))
}

var testSession = order.NewSessionID(7, []byte("a pseudonym"))

func tagOf(n int) quickfix.Tag { return quickfix.Tag(n) }
