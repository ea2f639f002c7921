//go:build unix

package bench

import (
	"math"
	"syscall"
)

// maxFiles returns how many files this process may have open, or 0 where the
// system does not tell.
func maxFiles() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return int(min(uint64(limit.Cur), math.MaxInt32))
}
