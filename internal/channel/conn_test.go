package channel

import (
	"bytes"
	"fmt"
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

// Both sides export the same, and nothing of a channel prints.
func TestExportAndRedaction(t *testing.T) {
	pair := newPair(t)
	var keys [2][]byte
	for i, c := range pair {
		var err error
		if keys[i], err = c.Export("renewal", []byte("context"), 32); err != nil {
			t.Fatal(err)
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
			if got := fmt.Sprintf(verb, c); got != "channel(redacted)" {
				t.Errorf("%s prints %q", verb, got)
			}
		}
		if c.LocalAddr() != c.raw.LocalAddr() || c.RemoteAddr() != c.raw.RemoteAddr() {
			t.Error("addresses are not those of the connection below")
		}
	}
	if !bytes.Equal(keys[0], keys[1]) {
		t.Fatal("two keys")
	}
}
