package mailbox_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/mailbox"
)

// overHTTP returns a client of a folder's handler.
func overHTTP(t testing.TB, o mailbox.HandlerOptions) (*mailbox.Client, *mailbox.Folder, string) {
	t.Helper()
	if o.Rate == 0 {
		o.Rate, o.Burst = 1e6, 1e6
	}
	if o.PostRate == 0 {
		o.PostRate, o.PostBurst = 1e6, 1e6
	}
	f, dir := openFolder(t, mailbox.FolderOptions{MaxItems: 10})
	s := httptest.NewServer(mailbox.NewHandler(f, o))
	t.Cleanup(s.Close)
	c, err := mailbox.NewClient(s.URL+"/", s.Client())
	if err != nil {
		t.Fatal(err)
	}
	return c, f, dir
}

func TestHTTP(t *testing.T) {
	c, f, _ := overHTTP(t, mailbox.HandlerOptions{})
	id := post(t, c, "message")
	if _, err := c.Answer(t.Context(), id); !errors.Is(err, mailbox.ErrNoAnswer) {
		t.Errorf("before it is answered: %v", err)
	}
	serve(t, &mailbox.Server{Store: f, Handle: func(_ context.Context, m []byte) ([]byte, error) {
		return bytes.Repeat([]byte("a"), mailbox.MaxAnswer), nil
	}})
	if got := wait(t, c, id); len(got) != mailbox.MaxAnswer {
		t.Errorf("an answer of %d bytes", len(got))
	}
	if _, err := c.Answer(t.Context(), mailbox.NewID()); !errors.Is(err, mailbox.ErrNoAnswer) {
		t.Errorf("an unknown identifier: %v; want the same as for one that waits", err)
	}
	if _, err := c.Post(t.Context(), make([]byte, mailbox.MaxMessage+1)); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("a long message: %v", err)
	}
}

func TestHTTPIsBounded(t *testing.T) {
	c, _, _ := overHTTP(t, mailbox.HandlerOptions{})
	for range 10 {
		post(t, c, "m")
	}
	if _, err := c.Post(t.Context(), []byte("m")); !errors.Is(err, mailbox.ErrFull) {
		t.Errorf("the eleventh: %v; want ErrFull", err)
	}
	c, _, _ = overHTTP(t, mailbox.HandlerOptions{Rate: 1e-9, Burst: 2})
	post(t, c, "m")
	id := post(t, c, "m")
	if _, err := c.Answer(t.Context(), id); !errors.Is(err, mailbox.ErrBusy) {
		t.Errorf("the third request: %v; want ErrBusy", err)
	}
	c, _, _ = overHTTP(t, mailbox.HandlerOptions{PostRate: 1e-9, PostBurst: 1})
	id = post(t, c, "m")
	if _, err := c.Post(t.Context(), []byte("m")); !errors.Is(err, mailbox.ErrBusy) {
		t.Errorf("the second message: %v; want ErrBusy", err)
	}
	if _, err := c.Answer(t.Context(), id); !errors.Is(err, mailbox.ErrNoAnswer) {
		t.Errorf("a question after too many messages: %v", err)
	}
}

// flaky loses the answers to its first requests, after they took effect.
type flaky struct {
	http.RoundTripper
	losses atomic.Int64
}

func (f *flaky) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := f.RoundTripper.RoundTrip(r)
	if err == nil && f.losses.Add(-1) >= 0 {
		response.Body.Close()
		return nil, io.ErrUnexpectedEOF
	}
	return response, err
}

func TestPostOverABadNetworkLeavesOneMessage(t *testing.T) {
	f, _ := openFolder(t, mailbox.FolderOptions{})
	s := httptest.NewServer(mailbox.NewHandler(f, mailbox.HandlerOptions{}))
	defer s.Close()
	network := &flaky{RoundTripper: s.Client().Transport}
	network.losses.Store(2)
	c, err := mailbox.NewClient(s.URL, &http.Client{Transport: network})
	if err != nil {
		t.Fatal(err)
	}
	requirePending(t, f, post(t, c, "message"))
}

// What a client sends is the same for every member.
func TestClientSaysNothingOfItself(t *testing.T) {
	var headers []http.Header
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers = append(headers, r.Header.Clone())
		http.SetCookie(w, &http.Cookie{Name: "id", Value: "member"})
		w.Header().Set("ETag", `"member"`)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer s.Close()
	c, err := mailbox.NewClient(s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		post(t, c, "m")
		_, _ = c.Answer(t.Context(), mailbox.NewID())
	}
	for i, h := range headers {
		var names []string
		for name := range h {
			names = append(names, name)
		}
		slices.Sort(names)
		want := "Accept-Encoding User-Agent"
		if i%2 == 0 {
			want = "Accept-Encoding Content-Length Content-Type User-Agent"
		}
		if got := strings.Join(names, " "); got != want || h.Get("User-Agent") != "zkkex" {
			t.Errorf("request %d: %v", i, h)
		}
	}
	if len(headers) != 4 {
		t.Errorf("%d requests", len(headers))
	}
}

func TestClientMeetsNoMailbox(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer http.HandlerFunc
	}{
		{"not found", http.NotFound},
		{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }},
		{"too long", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, mailbox.MaxAnswer+1)) }},
		{"empty", func(http.ResponseWriter, *http.Request) {}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := httptest.NewServer(tc.answer)
			defer s.Close()
			c, err := mailbox.NewClient(s.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Answer(t.Context(), mailbox.NewID()); err == nil || errors.Is(err, mailbox.ErrNoAnswer) {
				t.Errorf("asking: %v; want an error", err)
			}
			if _, err := c.Post(t.Context(), []byte("m")); err == nil {
				t.Error("posting succeeds")
			}
		})
	}
	for _, base := range []string{"", "venue.example", "ftp://venue.example", "https://", "https://a:b@venue.example", "https://venue.example?x", "http://venue.example/%zz"} {
		if _, err := mailbox.NewClient(base, nil); err == nil {
			t.Errorf("%q is taken for an address", base)
		}
	}
}

// A folder that cannot be read is told to nobody but the log, and the log is told
// of no identifier.
func TestBrokenFolderOverHTTP(t *testing.T) {
	var log lockedBuffer
	c, _, dir := overHTTP(t, mailbox.HandlerOptions{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err := os.RemoveAll(filepath.Join(dir, "messages")); err != nil {
		t.Fatal(err)
	}
	id, err := c.Post(t.Context(), []byte("m"))
	if !errors.Is(err, mailbox.ErrFull) || strings.Contains(err.Error(), dir) {
		t.Errorf("got %v; want no more than that it is not possible now", err)
	}
	if text := log.String(); !strings.Contains(text, "no such file") || strings.Contains(text, dir) || strings.Contains(text, id.String()) {
		t.Errorf("log: %s", text)
	}
}

func FuzzHandler(f *testing.F) {
	f.Add("PUT", "/mail/"+mailbox.ID{1}.String(), []byte("message"))
	f.Add("GET", "/mail/"+mailbox.ID{1}.String(), []byte(nil))
	f.Add("GET", "/mail/../messages/"+mailbox.ID{1}.String(), []byte(nil))
	f.Add("PUT", "/mail/%2e%2e%2fpost.lock", []byte("x"))
	f.Add("DELETE", "/mail/", []byte(nil))
	dir := f.TempDir()
	folder, err := mailbox.OpenFolder(filepath.Join(dir, "mailbox"), mailbox.FolderOptions{MaxItems: 50})
	if err != nil {
		f.Fatal(err)
	}
	h := mailbox.NewHandler(folder, mailbox.HandlerOptions{Rate: 1e6, Burst: 1e6})
	statuses := []int{200, 204, 400, 404, 405, 409, 413, 503}
	f.Fuzz(func(t *testing.T, method, path string, body []byte) {
		request, err := http.NewRequest(method, "http://venue.example", bytes.NewReader(body))
		if err != nil {
			return // no such method
		}
		request.URL.Path = path
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request)
		if !slices.Contains(statuses, w.Code) {
			t.Errorf("%q %q: status %d", method, path, w.Code)
		}
		if _, err := mailbox.ParseID(strings.TrimPrefix(path, mailbox.Path)); err != nil && w.Code != 404 {
			t.Errorf("%q has no identifier, and got %d", path, w.Code)
		}
		names, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(names) != 1 {
			t.Errorf("%q left %v beside the mailbox", path, names)
		}
		for _, name := range []string{"messages", "answers"} {
			entries, err := os.ReadDir(filepath.Join(dir, "mailbox", name))
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if _, err := mailbox.ParseID(e.Name()); err != nil {
					t.Errorf("%q left %q", path, e.Name())
				}
			}
		}
	})
}
