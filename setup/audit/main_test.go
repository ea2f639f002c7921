package audit_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/zkkex/zkkex/internal/mpc"
	"github.com/zkkex/zkkex/internal/wellformed"
	"github.com/zkkex/zkkex/setup/audit"
)

// refused are the checks that a planted fault was refused by.
var refused = map[string]bool{}

// elsewhere are the checks that no files can fail, for those who read them refuse
// first; tests of mpc and of wellformed plant their faults.
var elsewhere = []string{mpc.CheckGenerators, wellformed.Shape, wellformed.Points, wellformed.Domain, wellformed.DeltaGamma}

// TestMain fails a run of all tests that leaves out a check.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	all := flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.list").Value.String() == ""
	if !all || code != 0 {
		os.Exit(code)
	}
	for _, name := range audit.Names {
		if !refused[name] && !slices.Contains(elsewhere, name) {
			fmt.Fprintf(os.Stderr, "no fault was refused by the check %q\n", name)
			code = 1
		}
	}
	os.Exit(code)
}
