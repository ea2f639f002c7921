// Package newfolder makes folders that are there complete, or not at all.
package newfolder

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/zkkex/zkkex/internal/atomicfile"
)

// Write writes the files, by name, to the new folder dir: to a folder beside it,
// which is then renamed. Files have mode 0644, the folder 0755. The caller has
// seen that there is no dir; an empty folder in its place may be replaced. On an
// error nothing is left behind.
func Write(dir string, files map[string][]byte) (err error) {
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+".tmp-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(tmp))
		}
	}()
	for name, b := range files {
		if err := atomicfile.Create(filepath.Join(tmp, name), b, 0o644); err != nil {
			return err
		}
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := os.Rename(tmp, dir); err != nil {
		return err
	}
	return atomicfile.SyncDir(filepath.Dir(dir))
}
