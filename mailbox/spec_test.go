package mailbox_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/zkkex/zkkex/mailbox"
)

// The paths in docs/spec/mailbox.md are those that are used.
func TestSpec(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "spec", "mailbox.md"))
	if err != nil {
		t.Fatal(err)
	}
	requests := make(map[string]string)
	files := make(map[string]bool)
	for line := range strings.Lines(string(text)) {
		sample, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), "    ")
		if !ok {
			continue
		}
		if method, path, ok := strings.Cut(sample, " "); ok {
			requests[method] = path
		} else {
			files[sample] = true
		}
	}
	if len(requests) != 2 || len(files) != 4 {
		t.Fatalf("the text has requests %v and files %v; want 2 and 4", requests, files)
	}
	f, dir := openFolder(t, mailbox.FolderOptions{})
	h := mailbox.NewHandler(f, mailbox.HandlerOptions{})
	do := func(method, body string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, requests[method], bytes.NewReader([]byte(body))))
		return w
	}
	if w := do(http.MethodPut, "message"); w.Code != 204 {
		t.Fatalf("PUT: %d", w.Code)
	}
	seen := make(map[string]bool)
	look := func() {
		_ = filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
			if name, relErr := filepath.Rel(dir, path); err == nil && relErr == nil && !e.IsDir() {
				seen[filepath.ToSlash(name)] = true
			}
			return err
		})
	}
	look()
	release, err := f.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = release() }()
	pending, err := f.Pending(t.Context())
	if err != nil || len(pending) != 1 {
		t.Fatalf("pending: %v, %v", pending, err)
	}
	if err := f.PutAnswer(t.Context(), pending[0], []byte("answer")); err != nil {
		t.Fatal(err)
	}
	look()
	if w := do(http.MethodGet, ""); w.Code != 200 || w.Body.String() != "answer" {
		t.Errorf("GET: %d %q", w.Code, w.Body)
	}
	for name := range files {
		if !seen[name] {
			t.Errorf("there is no %s", name)
		}
		delete(seen, name)
	}
	if len(seen) != 0 {
		t.Errorf("files that the text does not name: %v", seen)
	}
	for _, n := range []int{mailbox.MaxMessage, mailbox.MaxAnswer, mailbox.DefaultMaxItems} {
		digits := strconv.Itoa(n)
		if !strings.Contains(string(text), digits[:len(digits)-3]+","+digits[len(digits)-3:]) {
			t.Errorf("the text does not name %d", n)
		}
	}
}
