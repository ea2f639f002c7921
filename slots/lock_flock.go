//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package slots

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lockFile takes the advisory lock of an open file. The kernel releases it when
// the last process that has the file open exits, however that happens.
func lockFile(f *os.File) (unlock func(), err error) {
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	return func() {
		// It fails for a closed file only, which holds no lock.
		_ = unix.Flock(int(f.Fd()), unix.LOCK_UN)
	}, nil
}
