//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package slots

import (
	"fmt"
	"os"

	"github.com/zkkex/zkkex"
)

// lockFile refuses: without a lock, two processes could take one slot.
func lockFile(*os.File) (unlock func(), err error) {
	return nil, fmt.Errorf("%w: this system has no flock(2), which slots need", zkkex.ErrUnsupported)
}
