package venue

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Everything that is served, with the type and the lifetime it has.
func TestHandler(t *testing.T) {
	s := newScene(t)
	s.turn()
	s.clock.add(time.Hour)
	s.turn()
	server := s.serve()
	for _, c := range []struct {
		path, contentType, cache string
		holds                    string
	}{
		{"/identity", textPlain, "no-cache", s.venue.Identity().String() + "\n"},
		{"/descriptor/latest", textPlain, "no-cache", "number: 2\n"},
		{"/descriptor/1", textPlain, "public, max-age=31536000, immutable", "number: 1\n"},
		{"/descriptor/2", textPlain, "public, max-age=31536000, immutable", "number: 2\n"},
		{"/proof/1", textPlain, "no-cache", "c2sp.org/tlog-proof@v1\nindex 0\n"},
		{"/proof/2", textPlain, "no-cache", "index 1\n"},
		{"/checkpoint", textPlain, "no-cache", "venue.example\n2\n"},
		{"/tile/0/000.p/2", octetStream, "public, max-age=86400", ""},
		{"/tile/entries/000.p/2", octetStream, "public, max-age=86400", "number: 2\n"},
	} {
		status, header, body := request(t, http.MethodGet, server.URL+c.path)
		if status != http.StatusOK || header.Get("Content-Type") != c.contentType || header.Get("Cache-Control") != c.cache || !strings.Contains(string(body), c.holds) {
			t.Errorf("%s: %d, %q, %q, expected 200, %q, %q and %q in\n%s", c.path, status, header.Get("Content-Type"), header.Get("Cache-Control"), c.contentType, c.cache, c.holds, body)
		}
		for _, name := range []string{"Set-Cookie", "ETag", "Last-Modified", "Server", "Vary"} {
			if value := header.Get(name); value != "" {
				t.Errorf("%s: the header %s: %s", c.path, name, value)
			}
		}
		if _, _, again := request(t, http.MethodGet, server.URL+c.path+"?who=me"); !bytes.Equal(again, body) {
			t.Errorf("%s: another answer to another client", c.path)
		}
		if status, _, nothing := request(t, http.MethodHead, server.URL+c.path); status != http.StatusOK || len(nothing) != 0 {
			t.Errorf("HEAD %s: %d", c.path, status)
		}
	}
	for _, path := range []string{
		"/", "/descriptor/", "/descriptor/0", "/descriptor/3", "/descriptor/01", "/descriptor/+1", "/descriptor/-1", "/descriptor/1/", "/descriptor/18446744073709551617",
		"/proof/0", "/proof/3", "/proof/latest", "/tile/0/000", "/tile/0/000.p/3", "/tile/../config.json", "/config.json", "/prekeys/000000000000001", "/lock", "/../identity",
		"/descriptor/" + strings.Repeat("0", 1000) + "1", "/tile/0/" + strings.Repeat("x000/", 100) + "000",
	} {
		if status, header, body := request(t, http.MethodGet, server.URL+path); status != http.StatusNotFound || header.Get("Cache-Control") != "no-store" || string(body) != "not found\n" {
			t.Errorf("%s: %d %q, expected 404", path, status, body)
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		if status, header, _ := request(t, method, server.URL+"/identity"); status != http.StatusMethodNotAllowed || header.Get("Allow") == "" {
			t.Errorf("%s: %d, expected 405", method, status)
		}
	}
}

func request(t *testing.T, method, url string) (int, http.Header, []byte) {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Forwarded-For", "198.51.100.7")
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, body
}

// Nothing about who asks is written anywhere: not to the log, not to the folder.
func TestNothingAboutClientsIsKept(t *testing.T) {
	var log bytes.Buffer
	s := newScene(t)
	s.must(s.venue.Close())
	s.options.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug - 10}))
	s.open()
	s.turn()
	server, before := s.serve(), contents(t, s.dir)
	if log.Len() == 0 {
		t.Fatal("the venue logs nothing at all; the test shows nothing")
	}
	log.Reset()
	for _, path := range []string{"/identity", "/descriptor/latest", "/descriptor/1", "/proof/1", "/checkpoint", "/nothing", "/descriptor/77"} {
		request(t, http.MethodGet, server.URL+path)
		request(t, http.MethodPost, server.URL+path)
	}
	if log.Len() > 0 {
		t.Errorf("logged:\n%s", &log)
	}
	if after := contents(t, s.dir); after != before {
		t.Error("requests changed the folder")
	}
}

// contents are the names and sizes of all files of a folder, and their bytes.
func contents(t *testing.T, dir string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		out.WriteString(path + "\n" + string(text) + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// A descriptor is served once witnesses have cosigned it, and not before; the
// venue says that it waits.
func TestUnpublishedIsNotServed(t *testing.T) {
	s, ctx := newScene(t), context.Background()
	away := errors.New("the witnesses are away")
	var refuse error
	s.must(s.venue.Close())
	s.options.Cosign = func(_ context.Context, signed []byte, _ uint64, _ tlog.HashReader) ([]byte, error) {
		return signed, refuse
	}
	s.open()
	first := s.turn()
	refuse = away
	s.clock.add(time.Hour)
	s.publish()
	_, err := s.venue.Sync(ctx)
	s.must(err)
	second, err := s.venue.Rotate(ctx)
	if second == nil || second.Number != 2 || !errors.Is(err, ErrNotPublished) || !errors.Is(err, away) {
		t.Fatalf("%v and %v, expected descriptor 2 and %v", second, err, ErrNotPublished)
	}
	if _, err := s.venue.Keys(2); err != nil {
		t.Errorf("the venue has no keys of what it issued: %v", err)
	}
	server := s.serve()
	if status, _, _ := request(t, http.MethodGet, server.URL+"/descriptor/2"); status != http.StatusNotFound {
		t.Errorf("served before it is published: %d", status)
	}
	if _, _, body := request(t, http.MethodGet, server.URL+"/descriptor/latest"); !bytes.Equal(body, first.Note()) {
		t.Errorf("the newest is served as\n%s", body)
	}
	status := s.venue.Status()
	if status.Published != 1 || !slices.ContainsFunc(status.Problems, func(p Problem) bool { return p.What == "publish" }) {
		t.Errorf("status %+v, expected one published and the problem", status)
	}
	refuse = nil
	s.reopen()
	s.rotate()
	if _, _, body := request(t, http.MethodGet, server.URL+"/descriptor/latest"); !bytes.Equal(body, second.Note()) {
		t.Errorf("after the witnesses are back:\n%s", body)
	}
}

// An exported folder has, file by file, what is served.
func TestExport(t *testing.T) {
	s := newScene(t)
	dir := filepath.Join(t.TempDir(), "static")
	if _, err := s.venue.Export(dir); !errors.Is(err, ErrNotPublished) {
		t.Errorf("before the first descriptor: %v, expected %v", err, ErrNotPublished)
	}
	for range 3 {
		s.turn()
		s.clock.add(time.Hour)
	}
	n, err := s.venue.Export(dir)
	s.must(err)
	if n != 3 {
		t.Errorf("exported %d descriptors, expected 3", n)
	}
	server, files := s.serve(), 0
	s.must(filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		name, err := filepath.Rel(dir, path)
		s.must(err)
		text, err := os.ReadFile(path)
		s.must(err)
		if _, _, served := request(t, http.MethodGet, server.URL+"/"+filepath.ToSlash(name)); !bytes.Equal(served, text) {
			t.Errorf("%s differs from what is served", name)
		}
		return nil
	}))
	if files != 2+1+3+3+2 {
		t.Errorf("%d files, expected identity, checkpoint, latest, 3 descriptors with proofs, 2 tiles", files)
	}
	chain := s.chain()
	s.turn()
	_, err = s.venue.Export(dir)
	s.must(err)
	report, err := s.client("file://"+dir).Update(context.Background(), chain)
	s.must(err)
	if report.Newest.Number != 4 || report.Added != 2 {
		t.Errorf("from the folder: %d descriptors up to %d, expected 2 up to 4", report.Added, report.Newest.Number)
	}
	readOnly := filepath.Join(t.TempDir(), "file")
	s.must(os.WriteFile(readOnly, nil, 0o600))
	if _, err := s.venue.Export(filepath.Join(readOnly, "below")); err == nil {
		t.Error("exported below a file")
	}
}

// Whatever is asked for, there is an answer or there is nothing.
func FuzzPath(f *testing.F) {
	for _, path := range []string{"identity", "descriptor/latest", "descriptor/1", "proof/1", "checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1", "tile/8/x999/999", "..", "tile/-1/000"} {
		f.Add(path)
	}
	s := newScene(f)
	s.turn()
	f.Fuzz(func(t *testing.T, path string) {
		file, err := s.venue.file(path)
		if err == nil && (len(file.body) == 0 || file.cache == "") || err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v, %v", path, file, err)
		}
	})
}
