package audit_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/zkkex/zkkex/setup/audit"
	"github.com/zkkex/zkkex/setup/dev"
	"github.com/zkkex/zkkex/setup/params"
)

// TestDevelopmentSets checks the sets that ship as anybody can, by the transcripts in
// the repository: this program compiles their circuits, and their ceremonies made
// their keys. That they are sound does not make them more than development sets.
// ZKKEX_DEEP=1 asks for the larger one, too.
func TestDevelopmentSets(t *testing.T) {
	circuits := dev.Shipped()
	if os.Getenv("ZKKEX_DEEP") == "" {
		circuits = circuits[:1]
	}
	for _, circuit := range circuits {
		report, err := audit.Verify(context.Background(), os.DirFS(filepath.Join("..", "dev", circuit.String())), audit.Options{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := report.Err(); err != nil {
			t.Errorf("%v: %v", circuit, err)
		}
		if report.Kind != params.Dev || report.Trust.Forge != audit.Maker || report.Trust.Deanonymise != audit.Nobody {
			t.Errorf("%v: kind %v, %v can forge, %v can deanonymise", circuit, report.Kind, report.Trust.Forge, report.Trust.Deanonymise)
		}
	}
}
