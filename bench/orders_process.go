package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
)

// orderProcess is a gateway in another process.
type orderProcess struct {
	command *exec.Cmd
	stderr  bytes.Buffer
	in      io.WriteCloser
	out     *json.Decoder
	at      orderAddresses
}

// startOrders runs a command that calls [RunOrders].
func startOrders(ctx context.Context, command []string, plan orderPlan) (*orderProcess, error) {
	p := &orderProcess{command: exec.CommandContext(ctx, command[0], command[1:]...)}
	p.command.Stderr = &p.stderr
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = json.NewDecoder(out)
	if p.in, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	err = json.NewEncoder(p.in).Encode(plan)
	if err == nil {
		err = p.out.Decode(&p.at)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%v: expected addresses on standard output: %w", command, err), p.stop())
	}
	return p, nil
}

// usage asks the other process what it has used.
func (p *orderProcess) usage() (u usage, err error) {
	if _, err := io.WriteString(p.in, "\n"); err != nil {
		return u, err
	}
	err = p.out.Decode(&u)
	return u, err
}

// stop ends the other process.
func (p *orderProcess) stop() error {
	p.in.Close()
	if err := p.command.Wait(); err != nil {
		return fmt.Errorf("%v: %w: %s", p.command.Args, err, bytes.TrimSpace(p.stderr.Bytes()))
	}
	return nil
}

// kill ends the other process with no chance to do anything more.
func (p *orderProcess) kill() error {
	err := p.command.Process.Kill()
	p.in.Close()
	_ = p.command.Wait() // says that it was killed
	return err
}
