package pgtest

import (
	"fmt"
	"io"
	"os/exec"
	"syscall"
)

// watchdog ends a server, and removes its folder, when the process that tests is
// no more: also if it was killed, or panicked at the end of its time.
type watchdog struct {
	cmd  *exec.Cmd
	hold io.Closer
}

// ending waits for the end of its standard input, which is a pipe from the tests.
const ending = `cat >/dev/null
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid" && while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
rm -rf "$1"`

func watch(dir string) (*watchdog, error) {
	cmd := exec.Command("/bin/sh", "-c", ending, "sh", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	hold, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("pgtest: %w", err)
	}
	return &watchdog{cmd, hold}, nil
}

// end is for a server that has been removed.
func (w *watchdog) end() error {
	if err := w.hold.Close(); err != nil {
		return err
	}
	return w.cmd.Wait()
}
