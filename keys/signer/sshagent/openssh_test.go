package sshagent

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh/agent"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/keys/signer"
)

func message(seed byte) *envelope.Message {
	return &envelope.Message{Purpose: envelope.Certificate, Binding: zkkex.Binding{seed, 1}}
}

// shortDir returns a folder whose path leaves room for a socket's name.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "a")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// openSSH is OpenSSH's agent, with the programs that belong to it.
type openSSH struct {
	t      *testing.T
	dir    string
	socket string
}

// startAgent starts an agent for the test. Who it asks for confirmation says no.
func startAgent(t *testing.T) *openSSH {
	t.Helper()
	dir := shortDir(t)
	a := &openSSH{t, dir, filepath.Join(dir, "agent")}
	cmd := exec.Command("ssh-agent", "-D", "-a", a.socket)
	cmd.Env = append(os.Environ(), "SSH_ASKPASS=/bin/false", "SSH_ASKPASS_REQUIRE=force", "DISPLAY=:0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("run scripts/openssh-install: %v", err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	// It writes where it listens once it does.
	if _, err := io.ReadAtLeast(out, make([]byte, 1), 1); err != nil {
		t.Fatal(err)
	}
	t.Setenv(socketVariable, a.socket)
	return a
}

func (a *openSSH) run(name string, args ...string) string {
	a.t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		a.t.Fatalf("%s %q: %v: %s", name, args, err, out)
	}
	return string(out)
}

// add makes a key with ssh-keygen and adds it with ssh-add. It returns the fingerprint.
func (a *openSSH) add(comment string, args ...string) string {
	a.t.Helper()
	path := filepath.Join(a.dir, strings.ReplaceAll(comment, " ", "-"))
	if _, err := os.Stat(path); err != nil {
		a.run("ssh-keygen", append([]string{"-q", "-N", "", "-C", comment, "-f", path}, args...)...)
	}
	a.run("ssh-add", "-q", path)
	return strings.Fields(a.run("ssh-keygen", "-l", "-f", path))[1]
}

// client returns a connection of the test's own.
func (a *openSSH) client() agent.ExtendedAgent {
	a.t.Helper()
	conn, err := net.Dial("unix", a.socket)
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { _ = conn.Close() })
	return agent.NewClient(conn)
}

func mustOpen(t *testing.T, name string) signer.Signer {
	t.Helper()
	s, err := signer.Open(t.Context(), "ssh-agent:"+name, signer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var nistp256 = []string{"-t", "ecdsa", "-b", "256"}

func TestOpenSSH(t *testing.T) {
	a := startAgent(t)
	fingerprint := a.add("me at desk", nistp256...)
	a.add("other", nistp256...)
	a.add("edwards", "-t", "ed25519")
	for _, name := range []string{fingerprint, "me at desk"} {
		s := mustOpen(t, name)
		if s.KeyType() != zkkex.KeyP256 || s.Envelope() != envelope.SSHSIG || !strings.Contains(s.Name(), fingerprint) {
			t.Errorf("%v in %v, %s", s.KeyType(), s.Envelope(), s.Name())
		}
		for i := range byte(16) { // about half of them come with a high s
			sig, err := s.Sign(t.Context(), message(i))
			if err != nil {
				t.Fatal(err)
			}
			if err := envelope.SSHSIG.Verify(zkkex.KeyP256, s.PublicKey(), message(i), sig.Bytes); err != nil {
				t.Error(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := s.Sign(t.Context(), message(1)); !errors.Is(err, signer.ErrClosed) {
			t.Errorf("after Close: %v, want ErrClosed", err)
		}
	}
}

// What the agent signs is what ssh-keygen makes of the same digest and namespace, so
// ssh-keygen verifies it.
func TestOpenSSHVerifies(t *testing.T) {
	a := startAgent(t)
	a.add("me", nistp256...)
	s := mustOpen(t, "me")
	m := message(7)
	sig, err := s.Sign(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := envelope.Raw.Digest(m)
	if err != nil {
		t.Fatal(err)
	}
	public, err := os.ReadFile(filepath.Join(a.dir, "me.pub"))
	if err != nil {
		t.Fatal(err)
	}
	signers, signature := filepath.Join(a.dir, "signers"), filepath.Join(a.dir, "signature")
	if err := os.WriteFile(signers, append([]byte("me "), public...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(signature, armoured(t, public, envelope.SSHNamespace(m.Purpose), sig.Bytes), 0o600); err != nil {
		t.Fatal(err)
	}
	verify := exec.Command("ssh-keygen", "-Y", "verify", "-f", signers, "-I", "me", "-n", envelope.SSHNamespace(m.Purpose), "-s", signature)
	verify.Stdin = strings.NewReader(string(digest[:]))
	if out, err := verify.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestOpenSSHWhichKey(t *testing.T) {
	a := startAgent(t)
	if _, err := signer.Open(t.Context(), "ssh-agent:me", signer.Options{}); !errors.Is(err, signer.ErrNoKey) || !strings.Contains(err.Error(), "ssh-add") {
		t.Errorf("empty: %v, want ErrNoKey", err)
	}
	one := a.add("me", nistp256...)
	a.add("edwards", "-t", "ed25519")
	a.add("large", "-t", "ecdsa", "-b", "384")
	if err := os.Rename(filepath.Join(a.dir, "me"), filepath.Join(a.dir, "first")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(a.dir, "me.pub")); err != nil {
		t.Fatal(err)
	}
	two := a.add("me", nistp256...)
	for name, want := range map[string]error{
		"me": signer.ErrAmbiguous, "none": signer.ErrNoKey, "edwards": signer.ErrUnsupportedKey, "large": signer.ErrWrongCurve,
		"SHA256:" + strings.Repeat("A", 43): signer.ErrNoKey,
		"SHA256:short":                      zkkex.ErrMalformed,
		"SHA256:" + strings.Repeat("B", 43): zkkex.ErrMalformed, // bits that are left over
	} {
		_, err := signer.Open(t.Context(), "ssh-agent:"+name, signer.Options{})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		var keys *signer.KeysError
		if want == signer.ErrAmbiguous && (!errors.As(err, &keys) || len(keys.Keys) != 2 || !strings.Contains(err.Error(), one) || !strings.Contains(err.Error(), two)) {
			t.Errorf("%v does not tell them apart", err)
		}
	}
}

func TestOpenSSHRefuses(t *testing.T) {
	a := startAgent(t)
	a.add("me", nistp256...)
	a.run("ssh-add", "-q", "-D")
	a.run("ssh-add", "-q", "-c", filepath.Join(a.dir, "me")) // asks for each signature
	s := mustOpen(t, "me")
	if _, err := s.Sign(t.Context(), message(1)); !errors.Is(err, signer.ErrRefused) {
		t.Errorf("%v, want ErrRefused", err)
	}
}

func TestOpenSSHLocked(t *testing.T) {
	a := startAgent(t)
	a.add("me", nistp256...)
	s := mustOpen(t, "me")
	c := a.client()
	if err := c.Lock([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sign(t.Context(), message(1)); !errors.Is(err, signer.ErrGone) || !strings.Contains(err.Error(), "locked") {
		t.Errorf("%v, want ErrGone", err)
	}
	if _, err := signer.Open(t.Context(), "ssh-agent:me", signer.Options{}); !errors.Is(err, signer.ErrNoKey) || !strings.Contains(err.Error(), "locked") {
		t.Errorf("%v, want ErrNoKey", err)
	}
	if err := c.Unlock([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sign(t.Context(), message(1)); err != nil {
		t.Errorf("unlocked: %v", err)
	}
}

func TestOpenSSHKeyRemoved(t *testing.T) {
	a := startAgent(t)
	a.add("me", nistp256...)
	a.add("other", nistp256...)
	s := mustOpen(t, "me")
	a.run("ssh-add", "-q", "-d", filepath.Join(a.dir, "me"))
	if _, err := s.Sign(t.Context(), message(1)); !errors.Is(err, signer.ErrGone) || !strings.Contains(err.Error(), "removed") {
		t.Errorf("%v, want ErrGone", err)
	}
	a.add("me")
	if _, err := s.Sign(t.Context(), message(1)); err != nil {
		t.Errorf("added again: %v", err)
	}
}

func TestNoAgent(t *testing.T) {
	for _, socket := range []string{"", filepath.Join(shortDir(t), "none")} {
		t.Setenv(socketVariable, socket)
		if _, err := signer.Open(t.Context(), "ssh-agent:me", signer.Options{}); !errors.Is(err, signer.ErrNoDevice) {
			t.Errorf("%q: %v, want ErrNoDevice", socket, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	a := startAgent(t)
	a.add("me", nistp256...)
	s := mustOpen(t, "me")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Sign(ctx, message(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
}
