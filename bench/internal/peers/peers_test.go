package peers

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
)

// connect returns both ends of a TCP connection on this machine.
func connect(t *testing.T) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if near, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close() })
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	return near, far
}

// once lets a client and a server talk over one connection, and returns what each
// made of it, and what the client's end carried.
func once(t *testing.T, client func(net.Conn) error, server func(net.Conn) error) (carried *Counter, clientErr, serverErr error) {
	t.Helper()
	near, far := connect(t)
	done := make(chan error)
	go func() {
		err := server(far)
		far.Close()
		done <- err
	}()
	carried = Count(near)
	clientErr = client(carried)
	near.Close()
	return carried, clientErr, <-done
}

func testPeers(t *testing.T) map[string]Peer {
	t.Helper()
	p256, err := NewTLS(P256)
	if err != nil {
		t.Fatal(err)
	}
	edwards, err := NewTLS(Ed25519)
	if err != nil {
		t.Fatal(err)
	}
	noise, err := NewNoise()
	if err != nil {
		t.Fatal(err)
	}
	ssh, err := NewSSH()
	if err != nil {
		t.Fatal(err)
	}
	return map[string]Peer{"TLS, P-256": p256, "TLS, Ed25519": edwards, "noise": noise, "SSH": ssh}
}

func TestPeersAnswer(t *testing.T) {
	for name, p := range testPeers(t) {
		for range 2 {
			carried, client, server := once(t, p.Open, p.Serve)
			if client != nil || server != nil {
				t.Errorf("%s: the client says %v, the server %v", name, client, server)
			}
			if sent, received := carried.Carried(); sent == 0 || received == 0 {
				t.Errorf("%s: %d bytes sent and %d received were counted", name, sent, received)
			}
		}
	}
}

// Strangers are turned away by every peer: what is compared authenticates both
// sides.
func TestPeersAuthenticate(t *testing.T) {
	known, strangers := testPeers(t), testPeers(t)
	for name, p := range known {
		_, client, server := once(t, strangers[name].Open, p.Serve)
		if client == nil || server == nil {
			t.Errorf("%s: to a stranger, the client says %v, the server %v", name, client, server)
		}
	}
}

// A client of TLS that trusts the server is still to show a certificate.
func TestTLSIsMutual(t *testing.T) {
	p, err := NewTLS(P256)
	if err != nil {
		t.Fatal(err)
	}
	p.client.Certificates = nil
	if _, client, server := once(t, p.Open, p.Serve); client == nil || server == nil {
		t.Errorf("without a certificate, the client says %v, the server %v", client, server)
	}
}

func TestTLSResumes(t *testing.T) {
	p, err := NewResumingTLS(P256)
	if err != nil {
		t.Fatal(err)
	}
	if _, err, _ := once(t, p.Open, p.Serve); !errors.Is(err, ErrNotResumed) {
		t.Errorf("the first handshake: %v, expected %v", err, ErrNotResumed)
	}
	if _, client, server := once(t, p.Prepare, p.Serve); client != nil || server != nil {
		t.Fatalf("the client says %v, the server %v", client, server)
	}
	for range 3 {
		if _, client, server := once(t, p.Open, p.Serve); client != nil || server != nil {
			t.Errorf("the client says %v, the server %v", client, server)
		}
	}
}

func TestAskChecksTheAnswer(t *testing.T) {
	for _, answer := range []string{"\x2b", ""} {
		err := Ask(struct {
			io.Reader
			io.Writer
		}{bytes.NewBufferString(answer), io.Discard})
		if err == nil || answer != "" && !errors.Is(err, ErrAnswer) {
			t.Errorf("answer %x: %v", answer, err)
		}
	}
}
