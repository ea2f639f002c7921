package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long a script waits for what must happen at some time.
const patience = 60 * time.Second

// backgroundState is what a script has running.
type backgroundState struct {
	ahead atomic.Int64 // of the clock, nanoseconds
	runs  map[string]*backgroundRun
	held  map[string]net.Conn
}

type backgroundRun struct {
	cancel context.CancelFunc
	exit   chan int
}

// backgrounds are those of the scripts that run, by script.
var backgrounds sync.Map

func backgroundOf(ts *testscript.TestScript) *backgroundState {
	state, known := backgrounds.LoadOrStore(ts, &backgroundState{runs: make(map[string]*backgroundRun), held: make(map[string]net.Conn)})
	s := state.(*backgroundState)
	if !known {
		ts.Defer(func() {
			for _, c := range s.held {
				_ = c.Close()
			}
			for _, r := range s.runs {
				r.cancel()
				<-r.exit
			}
			backgrounds.Delete(ts)
		})
	}
	return s
}

// now is the script's clock.
func (s *backgroundState) now() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }

// background NAME ARGS... runs a server of ours in this process, and sets
// NAME_FIELD to each text in the object that it prints when it begins.
func background(ts *testscript.TestScript, _ bool, args []string) {
	s := backgroundOf(ts)
	name := args[0]
	if s.runs[name] != nil {
		ts.Fatalf("%s runs already", name)
	}
	ctx, cancel := context.WithCancel(context.Background())
	printed, out := io.Pipe()
	kept, err := os.CreateTemp(ts.Getenv(outputEnv), "output-"+name+"-")
	ts.Check(err)
	env := Env{
		Stdin: strings.NewReader(""), Stdout: io.MultiWriter(out, kept), Stderr: kept,
		Getenv: ts.Getenv, ReadPassword: typed(""), Now: s.now,
	}
	r := &backgroundRun{cancel, make(chan int, 1)}
	args = append(slices.Clone(args[1:]), "--json")
	for i, arg := range args {
		if path, isPath := strings.CutPrefix(arg, "@"); isPath {
			args[i] = ts.MkAbs(path)
		}
	}
	go func() {
		defer kept.Close()
		r.exit <- Main(ctx, env, args)
		out.CloseWithError(io.EOF)
	}()
	var begun map[string]any
	if err := json.NewDecoder(printed).Decode(&begun); err != nil || begun["error"] != nil {
		cancel()
		said, _ := os.ReadFile(kept.Name())
		ts.Fatalf("%s did not start: %v\n%s", name, err, said)
	}
	go func() { _, _ = io.Copy(io.Discard, printed) }()
	for field, value := range begun {
		if text, isText := value.(string); isText {
			ts.Setenv(name+"_"+field, text)
		}
	}
	s.runs[name] = r
	ts.Setenv("LOG_"+name, kept.Name())
}

// finish NAME [CODE] interrupts what runs in the background, and demands an exit
// code: 0, unless another is given.
func finish(ts *testscript.TestScript, _ bool, args []string) {
	s := backgroundOf(ts)
	r := s.runs[args[0]]
	if r == nil {
		ts.Fatalf("%s does not run", args[0])
	}
	delete(s.runs, args[0])
	want := 0
	if len(args) > 1 {
		var err error
		want, err = strconv.Atoi(args[1])
		ts.Check(err)
	}
	r.cancel()
	if exit := <-r.exit; exit != want {
		said, _ := os.ReadFile(ts.Getenv("LOG_" + args[0]))
		ts.Fatalf("%s exited with %d, want %d\n%s", args[0], exit, want, said)
	}
}

// says NAME TEXT waits until what runs in the background has printed a text.
func says(ts *testscript.TestScript, _ bool, args []string) {
	s := backgroundOf(ts)
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		said, err := os.ReadFile(ts.Getenv("LOG_" + args[0]))
		ts.Check(err)
		if strings.Contains(string(said), args[1]) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("%s did not say %q:\n%s", args[0], args[1], s.logs(ts))
		}
	}
}

// advance DURATION sets the clock of what runs in the background ahead. "advance noon"
// makes it noon of the next day, whatever time it is: one epoch of a day further, and
// far from its edges.
func advance(ts *testscript.TestScript, _ bool, args []string) {
	s := backgroundOf(ts)
	d, err := time.ParseDuration(args[0])
	if now := s.now().UTC(); args[0] == "noon" {
		const day = 24 * time.Hour
		d, err = now.Truncate(day).Add(day+day/2).Sub(now), nil
	}
	ts.Check(err)
	s.ahead.Add(int64(d))
	ts.Setenv(nowEnv, s.now().UTC().Format(time.RFC3339))
}

// webAnswer is what the web server of the scripts answers.
const webAnswer = "the answer\n"

// web NAME runs a web server in this process, and sets NAME to its address.
func web(ts *testscript.TestScript, _ bool, args []string) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, webAnswer) }))
	ts.Defer(s.Close)
	ts.Setenv(args[0], s.Listener.Addr().String())
}

// port NAME sets NAME to an address that nobody listens on.
func port(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], l.Addr().String())
	ts.Check(l.Close())
}

// get ADDRESS fetches from a web server, through whatever is at the address.
// With !, the connection must be reset: it must neither answer nor end.
func get(ts *testscript.TestScript, neg bool, args []string) {
	c, err := net.Dial("tcp", args[0])
	if err == nil {
		defer c.Close()
		err = ask(c)
	}
	checkAnswer(ts, neg, err)
}

// hold NAME ADDRESS keeps a connection for ask and cut, once it was answered.
func hold(ts *testscript.TestScript, _ bool, args []string) {
	c, err := net.Dial("tcp", args[1])
	ts.Check(err)
	backgroundOf(ts).held[args[0]] = c
	ts.Check(ask(c))
}

// again NAME asks on a connection that is held.
func again(ts *testscript.TestScript, neg bool, args []string) {
	checkAnswer(ts, neg, ask(backgroundOf(ts).held[args[0]]))
}

// cut NAME waits until a connection that is held is reset.
func cut(ts *testscript.TestScript, _ bool, args []string) {
	c := backgroundOf(ts).held[args[0]]
	ts.Check(c.SetReadDeadline(time.Now().Add(patience)))
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded) {
		ts.Fatalf("%s: %v, want a reset", args[0], err)
	}
}

func checkAnswer(ts *testscript.TestScript, neg bool, err error) {
	switch {
	case neg && err == nil:
		ts.Fatalf("it was answered")
	case neg && errors.Is(err, io.EOF):
		ts.Fatalf("the connection was ended, not reset: %v", err)
	case !neg && err != nil:
		ts.Fatalf("%v\n%s", err, backgroundOf(ts).logs(ts))
	}
}

// logs returns what all that runs in the background has printed.
func (s *backgroundState) logs(ts *testscript.TestScript) string {
	var b strings.Builder
	for name := range s.runs {
		said, _ := os.ReadFile(ts.Getenv("LOG_" + name))
		fmt.Fprintf(&b, "-- %s --\n%s", name, said)
	}
	return b.String()
}

// ask makes a request on a connection and reads the answer.
func ask(c net.Conn) error {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: web.example\r\n\r\n"); err != nil {
		return err
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && string(body) != webAnswer {
		err = fmt.Errorf("got %q, want %q", body, webAnswer)
	}
	return err
}

// The checks of the scripts can fail: an end of file is no reset, and another
// answer is none.
func TestAskNoticesOtherAnswers(t *testing.T) {
	for name, answer := range map[string]string{"none": "", "another": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "short": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx"} {
		t.Run(name, func(t *testing.T) {
			ours, theirs := net.Pipe()
			go func() {
				_, _ = theirs.Read(make([]byte, 1024))
				_, _ = io.WriteString(theirs, answer)
				_ = theirs.Close()
			}()
			if err := ask(ours); err == nil {
				t.Error("accepted")
			}
		})
	}
}
