package bench

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdh"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/bench/internal/peers"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/internal/quiet"
	"github.com/zkkex/zkkex/session"
)

// idleGreeting is what the other process says first: where it listens, and with
// whose certificate it can be talked to. None of it outlives the run.
type idleGreeting struct {
	Address     string    `json:"address"`
	Venue       [32]byte  `json:"venue"`
	Number      uint64    `json:"number"`
	Digest      [32]byte  `json:"digest"`
	Static      []byte    `json:"static"`
	Padding     [2]uint16 `json:"padding"`
	Certificate []byte    `json:"certificate"`
	Key         []byte    `json:"key"`
}

// RunIdle is a venue for [Idle] that makes its keys and a member's certificate,
// writes both to w, and answers each line from in with a line that says how much
// memory it takes. It returns when in ends. It is for a fresh process; see
// [Options.Idle].
func RunIdle(ctx context.Context, in io.Reader, w io.Writer) (err error) {
	quiet.Gnark()
	m, err := newMember()
	if err != nil {
		return err
	}
	e, err := newExchange(m, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	c, err := e.admitted(m, 0)
	if err != nil {
		return err
	}
	r, err := e.responder(generous())
	if err != nil {
		return err
	}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	l, err := handshake.NewListener(inner, handshake.ServerConfig{Responder: r, Keys: e, Gate: e})
	if err != nil {
		return errors.Join(err, inner.Close())
	}
	defer l.Shutdown()
	go answerAll(l)
	if err := greet(w, e, c, l.Addr()); err != nil {
		return err
	}
	return report(ctx, in, w)
}

// answerAll answers on the channels that come out of a listener, until it closes.
func answerAll(l *handshake.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			_ = peers.Answer(c) // how the client hangs up does not matter
			c.Close()
		}()
	}
}

func greet(w io.Writer, e *exchange, c *session.Certificate, at net.Addr) error {
	certificate, err := c.Presentation().AppendBinary(nil)
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(idleGreeting{
		Address: at.String(), Venue: e.keys.ID, Number: e.keys.Number, Digest: e.keys.Digest,
		Static: e.keys.Static.PublicKey().Bytes(), Padding: e.keys.Padding, Certificate: certificate, Key: c.Key().Bytes(),
	})
}

// report measures once for each line, until the lines end.
func report(ctx context.Context, in io.Reader, w io.Writer) error {
	lines, out := bufio.NewScanner(in), json.NewEncoder(w)
	for lines.Scan() && ctx.Err() == nil {
		if err := out.Encode(measureMemory()); err != nil {
			return err
		}
	}
	return errors.Join(lines.Err(), ctx.Err())
}

// idleVenue is the other process.
type idleVenue struct {
	command *exec.Cmd
	stderr  bytes.Buffer
	in      io.WriteCloser
	out     *json.Decoder

	address     string
	venue       *handshake.Venue
	certificate *session.Certificate
}

// startIdleVenue runs a command that calls [RunIdle].
func startIdleVenue(ctx context.Context, command []string) (*idleVenue, error) {
	v := &idleVenue{command: exec.CommandContext(ctx, command[0], command[1:]...)}
	v.command.Stderr = &v.stderr
	out, err := v.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	v.out = json.NewDecoder(out)
	if v.in, err = v.command.StdinPipe(); err != nil {
		return nil, err
	}
	if err := v.command.Start(); err != nil {
		return nil, err
	}
	if err := v.meet(); err != nil {
		return nil, errors.Join(err, v.stop())
	}
	return v, nil
}

// meet reads the greeting.
func (v *idleVenue) meet() error {
	var g idleGreeting
	if err := v.out.Decode(&g); err != nil {
		return fmt.Errorf("%v: expected a greeting on standard output: %w", v.command.Args, err)
	}
	static, err := ecdh.X25519().NewPublicKey(g.Static)
	if err != nil {
		return err
	}
	key, err := ecdh.X25519().NewPrivateKey(g.Key)
	if err != nil {
		return err
	}
	p, err := zkkex.ParsePresentation(g.Certificate)
	if err != nil {
		return err
	}
	if v.certificate, err = session.New(p, key); err != nil {
		return err
	}
	v.address = g.Address
	v.venue = &handshake.Venue{
		ID: g.Venue, Number: g.Number, Digest: g.Digest, Suite: string(plainSuite),
		Static: static, Padding: g.Padding, MaxOpens: plenty,
	}
	return nil
}

// measure asks the other process what it takes.
func (v *idleVenue) measure() (m memory, err error) {
	if _, err := io.WriteString(v.in, "\n"); err != nil {
		return m, err
	}
	err = v.out.Decode(&m)
	return m, err
}

// stop ends the other process.
func (v *idleVenue) stop() error {
	v.in.Close()
	if err := v.command.Wait(); err != nil {
		return fmt.Errorf("%v: %w: %s", v.command.Args, err, bytes.TrimSpace(v.stderr.Bytes()))
	}
	return nil
}
