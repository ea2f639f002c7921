package health

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// get asks a handler, and returns status and body.
func get(t *testing.T, h http.Handler, method, path, accept string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%s can be cached", path)
	}
	return w.Code, w.Body.String()
}

// state is a check whose outcome a test sets.
type state struct {
	err   atomic.Pointer[error]
	calls atomic.Int32
}

func (s *state) set(err error) { s.err.Store(&err) }

func (s *state) check(name string) Check {
	return Check{name, func(context.Context) error {
		s.calls.Add(1)
		if err := s.err.Load(); err != nil {
			return *err
		}
		return nil
	}}
}

// newHandler returns a handler whose answers are never kept.
func newHandler(ready ...Check) *Handler {
	h := NewHandler(Config{Ready: ready})
	at := time.Unix(0, 0)
	h.ready.now = func() time.Time {
		at = at.Add(keep)
		return at
	}
	return h
}

// It is ready while everything holds, says what does not, and lives all the while.
func TestReady(t *testing.T) {
	var journal, engine state
	h := newHandler(journal.check("journal"), engine.check("engine"))
	expect := func(status int, text, asJSON string) {
		t.Helper()
		if got, body := get(t, h, "GET", "/ready", ""); got != status || body != text {
			t.Errorf("%d %q, expected %d %q", got, body, status, text)
		}
		got, body := get(t, h, "GET", "/ready", "application/json")
		if got != status || body != asJSON {
			t.Errorf("%d %s, expected %d %s", got, body, status, asJSON)
		}
		var r report
		if err := json.Unmarshal([]byte(body), &r); err != nil || r.OK != (status == 200) {
			t.Errorf("%+v, %v", r, err)
		}
		if got, body := get(t, h, "GET", "/live", ""); got != 200 || body != "ok\n" {
			t.Errorf("/live: %d %q", got, body)
		}
	}
	expect(200, "ok\njournal: ok\nengine: ok\n", `{"ok":true,"checks":[{"name":"journal","ok":true},{"name":"engine","ok":true}]}`+"\n")
	engine.set(errors.New("the connection is\nlost"))
	expect(503, "not ok\njournal: ok\nengine: not ok: the connection is lost\n",
		`{"ok":false,"checks":[{"name":"journal","ok":true},{"name":"engine","ok":false,"error":"the connection is\nlost"}]}`+"\n")
	engine.set(nil)
	journal.set(ErrDraining)
	if status, _ := get(t, h, "HEAD", "/ready", ""); status != 503 {
		t.Errorf("HEAD: %d, expected 503", status)
	}
	journal.set(nil)
	expect(200, "ok\njournal: ok\nengine: ok\n", `{"ok":true,"checks":[{"name":"journal","ok":true},{"name":"engine","ok":true}]}`+"\n")
}

// A check that hangs is a check that does not hold. It is not started a second time
// meanwhile, the others are told of, and it counts again once it returns.
func TestCheckThatHangs(t *testing.T) {
	var fine state
	release, returned := make(chan struct{}), make(chan struct{})
	var started atomic.Int32
	h := newHandler(fine.check("engine"), Check{"journal", func(context.Context) error {
		if started.Add(1) == 1 {
			<-release
			defer close(returned)
		}
		return nil
	}})
	for range 2 {
		status, body := get(t, h, "GET", "/ready", "")
		if want := "not ok\nengine: ok\njournal: not ok: no answer within 500ms\n"; status != 503 || body != want {
			t.Errorf("%d %q, expected %q", status, body, want)
		}
	}
	if n := started.Load(); n != 1 {
		t.Errorf("started %d times, expected once", n)
	}
	close(release)
	<-returned
	for { // until the return is noted
		if status, _ := get(t, h, "GET", "/ready", ""); status == 200 {
			break
		}
	}
	if started.Load() < 2 {
		t.Error("it is ready by a check that was given up")
	}
}

// However often it is asked, the checks run a few times a second at most.
func TestAnswersAreKept(t *testing.T) {
	var journal state
	h := NewHandler(Config{Ready: []Check{journal.check("journal")}})
	at := time.Unix(0, 0)
	h.ready.now = func() time.Time { return at }
	for range 100 {
		get(t, h, "GET", "/ready", "")
	}
	if n := journal.calls.Load(); n != 1 {
		t.Errorf("checked %d times, expected once", n)
	}
	at = at.Add(keep)
	get(t, h, "GET", "/ready", "")
	if n := journal.calls.Load(); n != 2 {
		t.Errorf("checked %d times, expected twice", n)
	}
	at = at.Add(-time.Hour) // a clock that goes back keeps nothing
	get(t, h, "GET", "/ready", "")
	if n := journal.calls.Load(); n != 3 {
		t.Errorf("checked %d times, expected three times", n)
	}
}

func TestOtherRequests(t *testing.T) {
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "zkkex_up 1\n") })
	h := NewHandler(Config{Metrics: metrics})
	if status, body := get(t, h, "GET", "/metrics", ""); status != 200 || body != "zkkex_up 1\n" {
		t.Errorf("%d %q", status, body)
	}
	for _, c := range []struct {
		h            *Handler
		method, path string
		want         int
	}{
		{h, "POST", "/ready", 405}, {h, "DELETE", "/live", 405}, {h, "GET", "/", 404}, {h, "GET", "/ready/", 404},
		{h, "GET", "/debug/pprof/", 404}, {NewHandler(Config{}), "GET", "/metrics", 404},
	} {
		if status, _ := get(t, c.h, c.method, c.path, ""); status != c.want {
			t.Errorf("%s %s: %d, expected %d", c.method, c.path, status, c.want)
		}
	}
}

// It listens where strangers do not come, and nowhere else.
func TestListen(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	for _, address := range []string{"0.0.0.0:0", "[::]:0", "192.0.2.1:0", "8.8.8.8:0", "[2001:db8::1]:0"} {
		if l, err := Listen(ctx, address); !errors.Is(err, ErrPublicAddress) {
			t.Errorf("%s: %v, %v; expected %v", address, l, err, ErrPublicAddress)
		}
	}
	for _, address := range []string{"", ":0", "127.0.0.1", "127.0.0.1:x"} {
		if l, err := Listen(ctx, address); err == nil {
			t.Errorf("%q: listens at %s", address, l.Addr())
		}
	}
	l, err := Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- Serve(ctx, l, NewHandler(Config{})) }()
	answer, err := http.Get("http://" + l.Addr().String() + "/live")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != 200 {
		t.Errorf("%d", answer.StatusCode)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("it still listens")
	}
}
