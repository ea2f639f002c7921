package failovertest

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// process is a command of zkkex that runs until it is stopped or killed.
type process struct {
	t    testing.TB
	cmd  *exec.Cmd
	said *output
	done chan struct{} // closed when all that it printed has been read

	mu    sync.Mutex
	lines []json.RawMessage // after the first
	begun begun
}

// begun is what servers print when they have begun, as far as it is of use here.
type begun struct {
	URL, Admin, Local, Address, Session string
}

// output gathers what a process says to people.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// start starts a server, and waits until it has begun.
func (s *scene) start(args ...string) *process {
	s.t.Helper()
	p := &process{t: s.t, cmd: exec.Command("zkkex", append(args, "--json")...), said: new(output), done: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stderr = s.dir, s.env, p.said
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			select {
			case <-p.done:
				s.t.Errorf("%v had ended by itself", args)
			default:
			}
			_ = p.cmd.Process.Kill()
			p.wait()
		}
		if s.t.Failed() {
			s.t.Logf("%v: %v\n%s", args, p.cmd.ProcessState, p.said)
		}
	})
	first := make(chan error, 1)
	go p.read(out, first)
	if err := <-first; err != nil {
		s.t.Fatalf("%v did not begin: %v\n%s", args, err, p.said)
	}
	return p
}

// read takes what the process prints: objects of JSON.
func (p *process) read(out io.Reader, first chan<- error) {
	defer close(p.done)
	d := json.NewDecoder(out)
	err := d.Decode(&p.begun)
	first <- err
	for err == nil {
		var line json.RawMessage
		if err = d.Decode(&line); err == nil {
			p.mu.Lock()
			p.lines = append(p.lines, line)
			p.mu.Unlock()
		}
	}
}

// printed is what the process has printed so far, after the first object.
func (p *process) printed() []json.RawMessage {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]json.RawMessage(nil), p.lines...)
}

// kill ends the process as kill -9 does, and waits for its end.
func (p *process) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	if p.wait(); p.cmd.ProcessState.Exited() {
		p.t.Errorf("the process had ended by itself:\n%s", p.said)
	}
}

func (p *process) wait() {
	<-p.done
	_ = p.cmd.Wait() // how it ended is in ProcessState
}

// unused returns an address that was free a moment ago.
func unused(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// await waits until something is so.
func await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}
