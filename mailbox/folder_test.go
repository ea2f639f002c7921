package mailbox_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/mailbox"
)

func openFolder(t testing.TB, o mailbox.FolderOptions) (*mailbox.Folder, string) {
	t.Helper()
	dir := t.TempDir()
	f, err := mailbox.OpenFolder(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return f, dir
}

func post(t testing.TB, m mailbox.Mailbox, message string) mailbox.ID {
	t.Helper()
	id, err := m.Post(t.Context(), []byte(message))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func requireAnswer(t testing.TB, m mailbox.Mailbox, id mailbox.ID, want string) {
	t.Helper()
	got, err := m.Answer(t.Context(), id)
	if err != nil || string(got) != want {
		t.Errorf("answer %q, %v; want %q", got, err, want)
	}
}

func requirePending(t testing.TB, f *mailbox.Folder, want ...mailbox.ID) {
	t.Helper()
	got, err := f.Pending(t.Context())
	if err != nil || len(got) != len(want) {
		t.Fatalf("pending: %v, %v; want %v", got, err, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("pending: %v; want %v", got, want)
		}
	}
}

func TestFolder(t *testing.T) {
	f, dir := openFolder(t, mailbox.FolderOptions{})
	id := post(t, f, "message")
	if _, err := f.Answer(t.Context(), id); !errors.Is(err, mailbox.ErrNoAnswer) {
		t.Errorf("before it is answered: %v", err)
	}
	requirePending(t, f, id)
	// The other side opens the same folder.
	venue, err := mailbox.OpenFolder(dir, mailbox.FolderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := venue.Message(t.Context(), id); err != nil || string(m) != "message" {
		t.Errorf("the venue reads %q, %v", m, err)
	}
	if err := venue.PutAnswer(t.Context(), id, []byte("answer")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		requireAnswer(t, f, id, "answer")
	}
	requirePending(t, f)
	if err := venue.PutAnswer(t.Context(), id, []byte("another")); !errors.Is(err, mailbox.ErrTaken) {
		t.Errorf("a second answer: %v; want ErrTaken", err)
	}
	requireAnswer(t, f, id, "answer")
}

// A message that is posted again, because nobody knew whether it was, is one.
func TestPutIsIdempotent(t *testing.T) {
	f, _ := openFolder(t, mailbox.FolderOptions{})
	id := mailbox.NewID()
	for range 2 {
		if err := f.Put(t.Context(), id, []byte("message")); err != nil {
			t.Fatal(err)
		}
	}
	requirePending(t, f, id)
	if err := f.Put(t.Context(), id, []byte("other")); !errors.Is(err, mailbox.ErrTaken) {
		t.Errorf("another message: %v; want ErrTaken", err)
	}
	if err := f.PutAnswer(t.Context(), id, []byte("answer")); err != nil {
		t.Fatal(err)
	}
	if err := f.Put(t.Context(), id, []byte("message")); err != nil {
		t.Fatal(err)
	}
	requirePending(t, f) // it does not come back
}

func TestSizes(t *testing.T) {
	f, _ := openFolder(t, mailbox.FolderOptions{})
	for _, n := range []int{0, mailbox.MaxMessage + 1} {
		if _, err := f.Post(t.Context(), make([]byte, n)); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("a message of %d bytes: %v", n, err)
		}
	}
	id := post(t, f, strings.Repeat("m", mailbox.MaxMessage))
	for _, n := range []int{0, mailbox.MaxAnswer + 1} {
		if err := f.PutAnswer(t.Context(), id, make([]byte, n)); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("an answer of %d bytes: %v", n, err)
		}
	}
	if err := f.PutAnswer(t.Context(), id, bytes.Repeat([]byte("a"), mailbox.MaxAnswer)); err != nil {
		t.Error(err)
	}
}

func TestCountIsBounded(t *testing.T) {
	now := time.Now()
	f, _ := openFolder(t, mailbox.FolderOptions{MaxItems: 8, TimeToLive: time.Hour, Now: func() time.Time { return now }})
	var mu sync.Mutex
	var ids []mailbox.ID
	var full int
	var posters sync.WaitGroup
	for range 20 {
		posters.Go(func() {
			id, err := f.Post(t.Context(), []byte("m"))
			mu.Lock()
			defer mu.Unlock()
			if errors.Is(err, mailbox.ErrFull) {
				full++
			} else if err == nil {
				ids = append(ids, id)
			} else {
				t.Error(err)
			}
		})
	}
	posters.Wait()
	if len(ids) != 8 || full != 12 {
		t.Errorf("%d were kept and %d refused; want 8 and 12", len(ids), full)
	}
	// An answer takes the place of its message, and no more.
	for _, id := range ids {
		if err := f.PutAnswer(t.Context(), id, []byte("a")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.Post(t.Context(), []byte("m")); !errors.Is(err, mailbox.ErrFull) {
		t.Errorf("with 8 answers: %v; want ErrFull", err)
	}
	now = now.Add(2 * time.Hour) // what is out of date makes room
	post(t, f, "m")
}

func TestSweep(t *testing.T) {
	now := time.Now()
	f, dir := openFolder(t, mailbox.FolderOptions{TimeToLive: time.Hour, Now: func() time.Time { return now }})
	old, answered := post(t, f, "old"), post(t, f, "answered")
	if err := f.PutAnswer(t.Context(), answered, []byte("answer")); err != nil {
		t.Fatal(err)
	}
	torn := filepath.Join(dir, "messages", "."+mailbox.NewID().String()+".tmp-1") // what a crash leaves
	if err := os.WriteFile(torn, []byte("ol"), 0o600); err != nil {
		t.Fatal(err)
	}
	past := now.Add(-2 * time.Hour)
	for _, path := range []string{torn, filepath.Join(dir, "messages", old.String()), filepath.Join(dir, "answers", answered.String())} {
		if err := os.Chtimes(path, past, past); err != nil {
			t.Fatal(err)
		}
	}
	young := post(t, f, "young")
	if n, err := f.Sweep(); err != nil || n != 3 {
		t.Errorf("swept %d, %v; want 3", n, err)
	}
	requirePending(t, f, young)
	if _, err := f.Answer(t.Context(), answered); !errors.Is(err, mailbox.ErrNoAnswer) {
		t.Errorf("an answer out of date: %v", err)
	}
}

// Others can write into the folder: what they put there harms nobody.
func TestStrangeFiles(t *testing.T) {
	f, dir := openFolder(t, mailbox.FolderOptions{})
	messages := filepath.Join(dir, "messages")
	folder, link, long, empty := mailbox.NewID(), mailbox.NewID(), mailbox.NewID(), mailbox.NewID()
	for _, err := range []error{
		os.Mkdir(filepath.Join(messages, folder.String()), 0o755),
		os.Symlink("/etc/passwd", filepath.Join(messages, link.String())),
		os.WriteFile(filepath.Join(messages, long.String()), make([]byte, mailbox.MaxMessage+1), 0o644),
		os.WriteFile(filepath.Join(messages, empty.String()), nil, 0o644),
		os.WriteFile(filepath.Join(messages, "README"), []byte("x"), 0o644),
		os.WriteFile(filepath.Join(messages, strings.ToUpper(mailbox.ID{0xab}.String())), []byte("x"), 0o644),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	pending, err := f.Pending(t.Context())
	if err != nil || len(pending) != 4 {
		t.Fatalf("pending: %v, %v; want the 4 with an identifier", pending, err)
	}
	for _, id := range pending {
		if _, err := f.Message(t.Context(), id); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: %v; want ErrMalformed", id, err)
		}
		if err := f.Drop(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	requirePending(t, f)
	if _, err := os.Stat("/etc/passwd"); errors.Is(err, fs.ErrNotExist) {
		t.Error("a link was followed")
	}
}

// A crash between an answer and the end of its message leaves both.
func TestAnsweredAndNotRemoved(t *testing.T) {
	f, dir := openFolder(t, mailbox.FolderOptions{})
	id := post(t, f, "message")
	if err := os.WriteFile(filepath.Join(dir, "answers", id.String()), []byte("answer"), 0o644); err != nil {
		t.Fatal(err)
	}
	requirePending(t, f)
	requireAnswer(t, f, id, "answer")
	if _, err := f.Message(t.Context(), id); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the message is still there: %v", err)
	}
}

func TestUnwritableFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := mailbox.OpenFolder(file, mailbox.FolderOptions{}); err == nil {
		t.Error("a file is taken for a folder")
	}
	f, dir := openFolder(t, mailbox.FolderOptions{})
	if err := os.RemoveAll(filepath.Join(dir, "messages")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Post(t.Context(), []byte("m")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("posting into nothing: %v", err)
	}
}

func FuzzParseID(f *testing.F) {
	f.Add(mailbox.ID{1, 2, 3}.String())
	f.Add("../../../../etc/passwd")
	f.Add(strings.Repeat("A", 32))
	f.Add("")
	f.Add(strings.Repeat("0", 31) + "/")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := mailbox.ParseID(s)
		if err == nil && id.String() != s {
			t.Errorf("%q is read as %s", s, id)
		}
		if err != nil && !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%q: %v is no ErrMalformed", s, err)
		}
	})
}
