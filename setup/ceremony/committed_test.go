package ceremony_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/params"
)

// A circuit whose proofs have a commitment has no ceremony yet, and who begins one is
// told before anything is made.
func TestNoCeremonyForCommitments(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ceremony")
	_, err := ceremony.Init(t.Context(), dir, ceremony.Options{
		Circuit: zkkex.P256Key20, Name: "p256", Kind: params.Ceremony, Created: time.Now(),
	}, nil)
	if !errors.Is(err, zkkex.ErrUnsupported) || !strings.Contains(err.Error(), "have a commitment") {
		t.Errorf("%v, want %v that names the commitment", err, zkkex.ErrUnsupported)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder was made: %v", err)
	}
}
