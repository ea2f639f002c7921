//go:build unix

package cli

import (
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// under is a stream of 8 bytes, of which the first half is under way.
func (k *killScene) under(t *testing.T) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", k.local)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	before := k.begun.Load()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprint(c, "up 8\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(c, new(pattern), 4); err != nil {
		t.Fatal(err)
	}
	// A connection that the tunnel has not taken yet is reset when it stops to listen.
	for end := time.Now().Add(patience); k.begun.Load() == before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the stream did not come to the upstream")
		}
	}
	return c.(*net.TCPConn)
}

// interrupted sends an interrupt, and waits until no new connection is taken.
func (k *killScene) interrupted(t *testing.T, c *killed) {
	t.Helper()
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		late, err := net.Dial("tcp", k.local)
		if err != nil {
			return
		}
		_ = late.Close()
	}
	t.Fatal("connections are still taken")
}

func TestFirstInterruptDrains(t *testing.T) {
	k := newKillScene(t)
	k.startServe()
	tunnel := k.startTunnel()
	c := k.under(t)
	k.interrupted(t, tunnel)
	if _, err := io.CopyN(c, &pattern{at: 4}, 4); err != nil {
		t.Fatal(err)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(c); err != nil || string(answer) != "8\n" {
		t.Errorf("got %q, %v", answer, err)
	}
	if err := tunnel.Wait(); err != nil {
		t.Errorf("the tunnel ended with %v, want exit code 0", err)
	}
}

func TestSecondInterruptEndsAtOnce(t *testing.T) {
	k := newKillScene(t)
	k.startServe()
	tunnel := k.startTunnel()
	c := k.under(t)
	k.interrupted(t, tunnel)
	if err := tunnel.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = tunnel.Wait()
	if status := tunnel.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGINT {
		t.Errorf("the tunnel ended with %v, want the signal", tunnel.ProcessState)
	}
	if answer, err := io.ReadAll(c); err == nil {
		t.Errorf("a clean end after %q, want a reset", answer)
	}
}
