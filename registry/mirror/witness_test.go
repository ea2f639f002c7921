package mirror

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/zkkex/zkkex/registry/internal/witnesstest"
)

func newWitness(t testing.TB, name string) *witnesstest.Witness {
	t.Helper()
	w, err := witnesstest.New(name)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// copyFolder copies the files of a folder that nobody writes to.
func copyFolder(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(to, "signer.key"), 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}
