package channel

import (
	"net"
	"testing"

	"golang.org/x/net/nettest"
)

// What everybody expects of a net.Conn, with a connection in memory that holds
// nothing, and one of the system's. Each role is tested.
func TestConn(t *testing.T) {
	for name, connect := range map[string]func(testing.TB) (net.Conn, net.Conn){
		"pipe": func(testing.TB) (net.Conn, net.Conn) { return net.Pipe() },
		"tcp":  tcpPair,
	} {
		for role, first := range map[string]int{"initiator": 0, "responder": 1} {
			t.Run(name+"/"+role, func(t *testing.T) {
				t.Parallel()
				nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
					near, far := connect(t)
					pair := startPair(t, near, far)
					return pair[first], pair[1-first], func() { closeAll(pair[:]...) }, nil
				})
			})
		}
	}
}
