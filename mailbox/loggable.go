package mailbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// loggable returns an error's text without the path of a file, which has the
// identifier in it.
func loggable(err error) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Sprintf("%s: %v", p.Op, p.Err)
	}
	if l, ok := errors.AsType[*os.LinkError](err); ok {
		return fmt.Sprintf("%s: %v", l.Op, l.Err)
	}
	return err.Error()
}
