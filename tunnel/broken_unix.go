//go:build unix

package tunnel

import (
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// isBroken reports whether nothing can be sent on a TCP connection any more. It
// sends nothing, and does not wait for writes under way.
func isBroken(c net.Conn) bool {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return true
	}
	var sendErr error
	err = raw.Control(func(fd uintptr) {
		_, sendErr = unix.SendmsgN(int(fd), nil, nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	})
	return err != nil || sendErr != nil && !errors.Is(sendErr, syscall.EAGAIN)
}
