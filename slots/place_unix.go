//go:build unix && !linux

package slots

import (
	"fmt"
	"os"
	"syscall"
)

// placeOf tells no time of birth.
func placeOf(f *os.File) (at place, names uint64, err error) {
	info, err := f.Stat()
	if err != nil {
		return place{}, 0, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return place{}, 0, fmt.Errorf("%s: the system does not tell the inode", f.Name())
	}
	return place{inode: uint64(st.Ino)}, uint64(st.Nlink), nil
}
