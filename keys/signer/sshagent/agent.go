package sshagent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys/signer"
)

// How long an agent may take, beside what the caller says.
const (
	listPatience = 15 * time.Second
	// A person may be asked: to confirm, or for a passphrase.
	signPatience = 5 * time.Minute
)

// socketVariable names the environment variable that says where the agent is.
const socketVariable = "SSH_AUTH_SOCK"

// errors of package agent that say that the agent answered with SSH_AGENT_FAILURE.
const (
	listFailure = "agent: failed to list keys"
	signFailure = "agent: failed to sign challenge"
)

// place is where an agent is.
type place struct{ socket string }

// find returns the agent that the environment names. It returns an error wrapping
// [signer.ErrNoDevice].
func find() (place, error) {
	socket := os.Getenv(socketVariable)
	if socket == "" {
		return place{}, fmt.Errorf("%w: %s is not set: start an agent (eval \"$(ssh-agent)\") and add the key to it (ssh-add)", signer.ErrNoDevice, socketVariable)
	}
	return place{socket}, nil
}

// watched is a connection that keeps its first error: package agent loses it.
type watched struct {
	net.Conn
	broken atomic.Pointer[error]
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	w.keep(err)
	return n, err
}

func (w *watched) Write(b []byte) (int, error) {
	n, err := w.Conn.Write(b)
	w.keep(err)
	return n, err
}

func (w *watched) keep(err error) {
	if err != nil {
		w.broken.CompareAndSwap(nil, &err)
	}
}

// call makes one connection, and one call. It returns an error wrapping ctx's,
// [signer.ErrNoDevice] if the agent cannot be reached or does not answer in time,
// [signer.ErrRefused] if it says no, or [zkkex.ErrMalformed].
func call[T any](ctx context.Context, p place, patience time.Duration, failure string, do func(agent.ExtendedAgent) (T, error)) (none T, err error) {
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(bounded, "unix", p.socket)
	if err != nil {
		return none, unreachable(ctx, err)
	}
	defer conn.Close()
	defer context.AfterFunc(bounded, func() { _ = conn.Close() })() // ends a call that waits
	w := &watched{Conn: conn}
	v, err := do(agent.NewClient(w))
	switch {
	case err == nil:
		return v, nil
	case bounded.Err() != nil:
		return none, unreachable(ctx, fmt.Errorf("no answer within %v", patience))
	case w.broken.Load() != nil:
		return none, unreachable(ctx, *w.broken.Load())
	case err.Error() == failure:
		return none, fmt.Errorf("%w by the ssh-agent", signer.ErrRefused)
	default:
		return none, malformed(err)
	}
}

func unreachable(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil {
		return ended
	}
	return fmt.Errorf("%w: the ssh-agent at %s: %w", signer.ErrNoDevice, socketVariable, err)
}

func malformed(err error) error {
	return &zkkex.ParseError{Format: "answer of the ssh-agent", Err: err}
}

// list returns the agent's keys.
func (p place) list(ctx context.Context) ([]*agent.Key, error) {
	return call(ctx, p, listPatience, listFailure, func(a agent.ExtendedAgent) ([]*agent.Key, error) { return a.List() })
}

// sign has the agent sign a blob. Why it does not, it does not say: whether it still
// has the key tells a refusal from a loss, which is [signer.ErrGone].
func (p place) sign(ctx context.Context, key *agent.Key, blob []byte) (*ssh.Signature, error) {
	sig, err := call(ctx, p, signPatience, signFailure, func(a agent.ExtendedAgent) (*ssh.Signature, error) { return a.Sign(key, blob) })
	switch {
	case errors.Is(err, signer.ErrNoDevice):
		return nil, fmt.Errorf("%w: %w", signer.ErrGone, err)
	case !errors.Is(err, signer.ErrRefused):
		return sig, err
	}
	keys, listErr := p.list(ctx)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case listErr != nil:
		return nil, fmt.Errorf("%w: %w", signer.ErrGone, listErr)
	case len(keys) == 0:
		return nil, fmt.Errorf("%w: the ssh-agent shows no keys any more: it is locked (unlock it with ssh-add -X), or they were removed", signer.ErrGone)
	}
	for _, k := range keys {
		if string(k.Blob) == string(key.Blob) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: the key was removed from the ssh-agent; add it again with ssh-add", signer.ErrGone)
}
