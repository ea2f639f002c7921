package fetch

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/zkkex/zkkex"
)

// read reads a file of at most 8 bytes.
func read(t *testing.T, c Config, path string) (string, error) {
	t.Helper()
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	data, err := s.Read(context.Background(), path, 8)
	return string(data), err
}

// A server and a folder with the same files are the same.
func TestSources(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"full": "12345678", "long": "123456789", "empty": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	for name, c := range map[string]Config{
		"server": {URL: server.URL}, "folder": {URL: "file://" + filepath.ToSlash(dir)}, "fs": {Folder: os.DirFS(dir)},
	} {
		if text, err := read(t, c, "full"); text != "12345678" || err != nil {
			t.Errorf("%s: %q, %v", name, text, err)
		}
		if text, err := read(t, c, "empty"); text != "" || err != nil {
			t.Errorf("%s: %q, %v", name, text, err)
		}
		if _, err := read(t, c, "long"); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: one byte more: %v, expected %v", name, err, zkkex.ErrMalformed)
		}
		if _, err := read(t, c, "none"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: no file: %v, expected %v", name, err, fs.ErrNotExist)
		}
	}
	if _, err := read(t, Config{Folder: fstest.MapFS{}}, "../secret"); err == nil {
		t.Error("a path out of the folder was read")
	}
}

// The request says nothing about who asks, and nothing else is ever sent.
func TestRequest(t *testing.T) {
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		dump, err := httputil.DumpRequest(r, true)
		if err != nil {
			t.Error(err)
		}
		seen = append(seen, string(dump))
		http.SetCookie(w, &http.Cookie{Name: "client", Value: "7"})
		w.Header().Set("ETag", `"7"`)
		w.Header().Set("Cache-Control", "max-age=1000")
	}))
	defer server.Close()
	s, err := Open(Config{URL: server.URL + "/base/"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.Read(context.Background(), "a/b", 8); err != nil {
			t.Fatal(err)
		}
	}
	want := "GET /base/a/b HTTP/1.1\r\nHost: " + server.Listener.Addr().String() + "\r\nUser-Agent: zkkex\r\n\r\n"
	if len(seen) != 2 || seen[0] != want || seen[1] != want {
		t.Errorf("sent %q, expected twice %q", seen, want)
	}
}

func TestServerErrors(t *testing.T) {
	hold := make(chan struct{})
	mux := http.NewServeMux()
	mux.Handle("/moved", http.RedirectHandler("/other", http.StatusMovedPermanently))
	mux.HandleFunc("/other", func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") })
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	mux.HandleFunc("/created", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })
	mux.HandleFunc("/gone", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) })
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "8") })
	mux.HandleFunc("/slow", func(http.ResponseWriter, *http.Request) { <-hold })
	server := httptest.NewServer(mux)
	defer server.Close()
	defer close(hold)
	for path, want := range map[string]error{
		"moved": ErrRedirect, "broken": ErrServer, "created": ErrServer, "gone": fs.ErrNotExist,
	} {
		if _, err := read(t, Config{URL: server.URL}, path); !errors.Is(err, want) {
			t.Errorf("%s: %v, expected %v", path, err, want)
		}
	}
	if _, err := read(t, Config{URL: server.URL}, "cut"); err == nil {
		t.Error("an answer that was cut short is a file")
	}
	if _, err := read(t, Config{URL: server.URL, Timeout: 50 * time.Millisecond}, "slow"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("no answer: %v, expected %v", err, context.DeadlineExceeded)
	}
}

// A dialer of the caller's makes all connections.
func TestDial(t *testing.T) {
	refused, dialed := errors.New("refused by the proxy"), ""
	c := Config{URL: "http://venue.example:8080", Dial: func(_ context.Context, _, address string) (net.Conn, error) {
		dialed = address
		return nil, refused
	}}
	if _, err := read(t, c, "file"); !errors.Is(err, refused) || dialed != "venue.example:8080" {
		t.Errorf("dialed %q: %v", dialed, err)
	}
}

func TestURLs(t *testing.T) {
	for _, url := range []string{"", "venue.example", "ftp://venue.example", "https://", "https://venue.example/?q", "https://venue.example/#f", "https://me@venue.example", "file://", "file://host/x", "http://%"} {
		if _, err := Open(Config{URL: url}); err == nil {
			t.Errorf("%q is a source", url)
		}
	}
}
