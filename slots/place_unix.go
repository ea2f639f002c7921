//go:build unix && !linux

package slots

import (
	"fmt"
	"os"
	"syscall"
)

// placeOf tells the inode only.
func placeOf(f *os.File) (place, error) {
	info, err := f.Stat()
	if err != nil {
		return place{}, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return place{}, fmt.Errorf("%s: the system does not tell the inode", f.Name())
	}
	return place{inode: uint64(st.Ino)}, nil
}
