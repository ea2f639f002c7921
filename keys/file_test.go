package keys

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/zkkex/zkkex"
)

var (
	created = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	saved   = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
)

const (
	passphrase = "correct horse battery staple"
	cheap      = 6 // work factor of tests that are not about it
)

func give(p string) func() (string, error) { return func() (string, error) { return p, nil } }

func mustNot(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// files returns one of each kind, of the same secret.
func files(t testing.TB, s *Secret) map[string]*File {
	t.Helper()
	encrypted, err := sealFile(s, passphrase, created, cheap)
	mustNot(t, err)
	backup, err := sealBackup(s, passphrase, created, saved, cheap)
	mustNot(t, err)
	plain, err := unencryptedFile(s, created)
	mustNot(t, err)
	return map[string]*File{"encrypted": encrypted, "backup": backup, "unencrypted": plain}
}

func TestFileRoundTrip(t *testing.T) {
	s := vectorSecret(t, "a")
	for name, f := range files(t, s) {
		text := f.Encode()
		parsed, err := ParseFile(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !bytes.Equal(parsed.Encode(), text) {
			t.Errorf("%s: written differently again", name)
		}
		if *parsed.Public() != *s.Public() || !parsed.Created().Equal(created) {
			t.Errorf("%s: public part %v, created %v", name, parsed.Public(), parsed.Created())
		}
		if at, ok := parsed.Backup(); ok != (name == "backup") || ok && !at.Equal(saved) {
			t.Errorf("%s: Backup() = %v, %v", name, at, ok)
		}
		asked := false
		opened, err := parsed.Open(func() (string, error) { asked = true; return passphrase, nil })
		if err != nil || !opened.Equal(s) {
			t.Errorf("%s: opened: %v", name, err)
		}
		if encrypted := name != "unencrypted"; asked != encrypted || parsed.Encrypted() != encrypted {
			t.Errorf("%s: asked for a passphrase: %v; Encrypted() = %v", name, asked, parsed.Encrypted())
		}
		if len(text) > MaxFileSize/2 {
			t.Errorf("%s: %d bytes, too near the bound", name, len(text))
		}
	}
}

func TestFileShowsNoSecret(t *testing.T) {
	s := vectorSecret(t, "a")
	sk, nk := s.RevealScalar(), s.RevealNullifierKey()
	for name, f := range files(t, s) {
		text := string(f.Encode())
		for what, secret := range map[string]string{"scalar": fmt.Sprintf("%x", sk), "nullifier key": fmt.Sprintf("%x", nk)} {
			if strings.Contains(text, secret) != (name == "unencrypted") {
				t.Errorf("%s: contains the %s: %v", name, what, strings.Contains(text, secret))
			}
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	f := files(t, vectorSecret(t, "a"))["encrypted"]
	terminal := errors.New("no terminal")
	for name, test := range map[string]struct {
		passphrase func() (string, error)
		want       error
	}{
		"wrong":      {give("correct horse battery stapler"), ErrPassphrase},
		"empty":      {give(""), ErrNoPassphrase},
		"none":       {nil, ErrNoPassphrase},
		"cannot ask": {func() (string, error) { return "", terminal }, terminal},
	} {
		if _, err := f.Open(test.passphrase); !errors.Is(err, test.want) {
			t.Errorf("%s: %v; want %v", name, err, test.want)
		}
	}
	if _, err := sealFile(vectorSecret(t, "a"), "", created, cheap); !errors.Is(err, ErrNoPassphrase) {
		t.Errorf("encrypting under no passphrase: %v; want ErrNoPassphrase", err)
	}
}

// replaceKey puts another key's public lines, consistent in themselves, into a
// file.
func replaceKey(text string, from, to *Secret) string {
	a, b := from.Public(), to.Public()
	text = strings.Replace(text, string(a.appendLines(nil)), string(b.appendLines(nil)), 1)
	return strings.Replace(text, a.Commitment().String(), b.Commitment().String(), 1)
}

func TestChangedPublicLinesAreNoticed(t *testing.T) {
	s, other := vectorSecret(t, "a"), vectorSecret(t, "b")
	kinds := files(t, s)
	for name, changed := range map[string]string{
		"key replaced":         replaceKey(string(kinds["encrypted"].Encode()), s, other),
		"backup's key":         replaceKey(string(kinds["backup"].Encode()), s, other),
		"unencrypted key":      replaceKey(string(kinds["unencrypted"].Encode()), s, other),
		"created":              strings.Replace(string(kinds["encrypted"].Encode()), "2026-01", "2025-01", 1),
		"saved":                strings.Replace(string(kinds["backup"].Encode()), "2026-02", "2025-02", 1),
		"backup made key file": regexp.MustCompile("saved: .*\n").ReplaceAllString(strings.Replace(string(kinds["backup"].Encode()), BackupMagic, FileMagic, 1), ""),
	} {
		f, err := ParseFile([]byte(changed))
		if err == nil {
			_, err = f.Open(give(passphrase))
		}
		if !errors.Is(err, ErrKeyMismatch) || !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: %v; want ErrKeyMismatch", name, err)
		}
	}
}

func TestParseFileRefuses(t *testing.T) {
	kinds := files(t, vectorSecret(t, "a"))
	encrypted, plain := string(kinds["encrypted"].Encode()), string(kinds["unencrypted"].Encode())
	header, armored, _ := strings.Cut(encrypted, "\n\n")
	for name, text := range map[string]string{
		"empty":                  "",
		"first line only":        FileMagic + "\n",
		"another version":        strings.Replace(encrypted, "v1", "v2", 1),
		"too long":               encrypted + strings.Repeat("\n", MaxFileSize),
		"something after":        encrypted + "\n",
		"something before":       "\n" + encrypted,
		"truncated":              encrypted[:len(encrypted)-2],
		"no empty line":          header + "\n" + armored,
		"two empty lines":        header + "\n\n\n" + armored,
		"no body":                header + "\n\n",
		"CRLF":                   strings.ReplaceAll(encrypted, "\n", "\r\n"),
		"wrapped otherwise":      header + "\n\n" + strings.Replace(armored, "-----\n", "-----\n\n", 1),
		"commitment":             flipHex(encrypted, "commitment: "),
		"time with a zone":       strings.Replace(encrypted, "05Z", "05+00:00", 1),
		"time with fractions":    strings.Replace(encrypted, "05Z", "05.5Z", 1),
		"year 1969":              strings.Replace(encrypted, "2026", "1969", 1),
		"upper-case digits":      upperHex(plain, "identity-key: "),
		"no secret":              plain[:strings.Index(plain, "identity-key")],
		"secret twice":           plain + plain[strings.Index(plain, "identity-key"):],
		"key not on the curve":   strings.Replace(plain, hexLine(plain, "public-key: "), fmt.Sprintf("%x", offCurve(t)), 1),
		"unencrypted, encrypted": strings.Replace(encrypted, FileMagic, UnencryptedFileMagic, 1),
	} {
		if text == encrypted || text == plain {
			t.Fatalf("%s: nothing was changed", name)
		}
		if _, err := ParseFile([]byte(text)); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: %v; want ErrMalformed", name, err)
		}
	}
	if _, err := ParseFile([]byte(strings.Replace(plain, "type: babyjubjub", "type: ed25519", 1))); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("unknown key type: %v; want ErrUnsupported", err)
	}
}

func hexLine(text, name string) string {
	at := strings.Index(text, name) + len(name)
	return text[at : at+64]
}

func flipHex(text, name string) string {
	digits := hexLine(text, name)
	last := "0"
	if digits[63] == '0' {
		last = "1"
	}
	return strings.Replace(text, digits, digits[:63]+last, 1)
}

func upperHex(text, name string) string {
	digits := hexLine(text, name)
	return strings.Replace(text, digits, strings.ToUpper(digits), 1)
}

// Every damaged byte of the encrypted part is noticed, and none gives a key.
func TestDamagedCiphertextIsNoticed(t *testing.T) {
	f := files(t, vectorSecret(t, "a"))["encrypted"]
	for i := range f.sealed {
		damaged := *f
		damaged.sealed = flipped(f.sealed, i, 1)
		s, err := damaged.Open(give(passphrase))
		if s != nil || !errors.Is(err, zkkex.ErrMalformed) && !errors.Is(err, ErrPassphrase) {
			t.Errorf("byte %d: %v; want ErrMalformed or ErrPassphrase", i, err)
		}
	}
	for _, n := range []int{0, 1, 100, len(f.sealed) - 1} {
		damaged := *f
		damaged.sealed = f.sealed[:n]
		if _, err := damaged.Open(give(passphrase)); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%d bytes: %v; want ErrMalformed", n, err)
		}
	}
}

func TestWorkFactorIsBounded(t *testing.T) {
	f := files(t, vectorSecret(t, "a"))["encrypted"]
	expensive := *f
	expensive.sealed = regexp.MustCompile(`(?m)^(-> scrypt \S+) \d+$`).ReplaceAll(f.sealed, fmt.Appendf(nil, "$1 %d", MaxScryptWorkFactor+1))
	if bytes.Equal(expensive.sealed, f.sealed) {
		t.Fatal("nothing was changed")
	}
	if _, err := expensive.Open(give(passphrase)); !errors.Is(err, zkkex.ErrMalformed) || !strings.Contains(err.Error(), "work factor") {
		t.Errorf("%v; want ErrMalformed about the work factor", err)
	}
}

func TestOpenRefusesOtherRecipients(t *testing.T) {
	f := files(t, vectorSecret(t, "a"))["encrypted"]
	id, err := age.GenerateX25519Identity()
	mustNot(t, err)
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, id.Recipient())
	mustNot(t, err)
	mustNot(t, w.Close())
	other := *f
	other.sealed = sealed.Bytes()
	if _, err := other.Open(give(passphrase)); !errors.Is(err, zkkex.ErrMalformed) || errors.Is(err, ErrPassphrase) {
		t.Errorf("%v; want ErrMalformed", err)
	}
}

func FuzzParseFile(f *testing.F) {
	for _, sample := range samples(f, "key-file.md", 4) {
		f.Add([]byte(sample))
	}
	f.Add([]byte(FileMagic + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := ParseFile(text)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) && !errors.Is(err, zkkex.ErrUnsupported) {
				t.Fatalf("an error of no class: %v", err)
			}
			return
		}
		if again := file.Encode(); !bytes.Equal(again, text) {
			t.Fatalf("read %q, wrote %q", text, again)
		}
	})
}

func FuzzParsePublicText(f *testing.F) {
	text, _ := vectorSecret(f, "a").Public().MarshalText()
	f.Add(text)
	f.Add(bytes.ToUpper(text))
	f.Add([]byte(PublicMagic + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParsePublicText(text)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) && !errors.Is(err, zkkex.ErrUnsupported) {
				t.Fatalf("an error of no class: %v", err)
			}
			return
		}
		if again, _ := p.MarshalText(); !bytes.Equal(again, text) {
			t.Fatalf("read %q, wrote %q", text, again)
		}
	})
}

func TestPublicTextRoundTrip(t *testing.T) {
	p := vectorSecret(t, "a").Public()
	text, err := p.MarshalText()
	mustNot(t, err)
	again, err := ParsePublicText(text)
	if err != nil || *again != *p {
		t.Errorf("%v, %v; want %v", again, err, p)
	}
	for name, text := range map[string]string{
		"something after": string(text) + "\n",
		"too long":        string(text) + strings.Repeat("x", MaxPublicText),
		"cut":             string(text[:len(text)-1]),
	} {
		if _, err := ParsePublicText([]byte(text)); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: %v; want ErrMalformed", name, err)
		}
	}
}

func TestFilesOnDisk(t *testing.T) {
	dir := t.TempDir()
	s := vectorSecret(t, "a")
	path := func(name string) string { return filepath.Join(dir, name) }
	mustNot(t, writeFile(path("key"), s, passphrase, created, cheap))
	mustNot(t, WriteUnencryptedSecretFile(path("plain"), s, created))
	mustNot(t, writeBackup(path("backup"), s, passphrase, created, saved, cheap))
	mustNot(t, WritePublicFile(path("public"), s.Public()))

	for _, name := range []string{"key", "plain"} {
		f, err := ReadFile(path(name))
		mustNot(t, err)
		opened, err := f.Open(give(passphrase))
		if err != nil || !opened.Equal(s) {
			t.Errorf("%s: %v", name, err)
		}
	}
	restored, err := restore(path("backup"), path("restored"), give(passphrase), cheap)
	if err != nil || !restored.Equal(s) {
		t.Errorf("Restore: %v", err)
	}
	f, err := ReadFile(path("restored"))
	if err != nil || !f.Encrypted() || !f.Created().Equal(created) {
		t.Errorf("the restored file: %+v, %v", f, err)
	}
	if _, err := ReadFile(path("backup")); !errors.Is(err, ErrBackup) {
		t.Errorf("a backup read as a key file: %v; want ErrBackup", err)
	}
	if _, err := ReadBackup(path("key")); !errors.Is(err, ErrNotBackup) {
		t.Errorf("a key file read as a backup: %v; want ErrNotBackup", err)
	}
	entries, err := os.ReadDir(dir)
	mustNot(t, err)
	if len(entries) != 5 {
		t.Errorf("%v; want five files and no temporary ones", entries)
	}
	for _, e := range entries {
		info, err := e.Info()
		mustNot(t, err)
		want := fs.FileMode(0o600)
		if e.Name() == "public" {
			want = 0o644
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", e.Name(), info.Mode().Perm(), want)
		}
	}
}

// The exported functions write with the full work factor.
func TestFilesCostWork(t *testing.T) {
	dir := t.TempDir()
	s := vectorSecret(t, "a")
	key, backup := filepath.Join(dir, "key"), filepath.Join(dir, "backup")
	mustNot(t, WriteFile(key, s, passphrase, created))
	mustNot(t, WriteBackup(backup, s, passphrase, created, saved))
	for path, read := range map[string]func(string) (*File, error){key: ReadFile, backup: ReadBackup} {
		f, err := read(path)
		mustNot(t, err)
		if !regexp.MustCompile(fmt.Sprintf(`(?m)^-> scrypt \S+ %d$`, ScryptWorkFactor)).Match(f.sealed) {
			t.Errorf("%s: the work factor is not %d", path, ScryptWorkFactor)
		}
	}
}

func TestFilesAreNeverOverwritten(t *testing.T) {
	dir := t.TempDir()
	s := vectorSecret(t, "a")
	backup := filepath.Join(dir, "backup")
	mustNot(t, writeBackup(backup, s, passphrase, created, saved, cheap))
	for name, write := range map[string]func(path string) error{
		"key file":         func(path string) error { return WriteFile(path, s, passphrase, created) },
		"unencrypted file": func(path string) error { return WriteUnencryptedSecretFile(path, s, created) },
		"backup":           func(path string) error { return WriteBackup(path, s, passphrase, created, saved) },
		"public file":      func(path string) error { return WritePublicFile(path, s.Public()) },
		"restored file": func(path string) error {
			_, err := Restore(backup, path, give(passphrase))
			return err
		},
	} {
		path := filepath.Join(dir, "taken")
		mustNot(t, os.WriteFile(path, []byte("precious"), 0o600))
		if err := write(path); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: %v; want fs.ErrExist", name, err)
		}
		if text, err := os.ReadFile(path); err != nil || string(text) != "precious" {
			t.Errorf("%s: the file holds %q, %v", name, text, err)
		}
		if err := write(filepath.Join(dir, "missing", "key")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s in a missing folder: %v; want fs.ErrNotExist", name, err)
		}
	}
}

func TestReadFileRefusesOpenModes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	mustNot(t, WriteUnencryptedSecretFile(path, vectorSecret(t, "a"), created))
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o602, 0o610, 0o666, 0o777} {
		mustNot(t, os.Chmod(path, mode))
		if _, err := ReadFile(path); !errors.Is(err, ErrFileMode) || !strings.Contains(err.Error(), "chmod 600 "+path) {
			t.Errorf("mode %v: %v; want ErrFileMode with what to do", mode, err)
		}
	}
	for _, mode := range []fs.FileMode{0o600, 0o400} {
		mustNot(t, os.Chmod(path, mode))
		if _, err := ReadFile(path); err != nil {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
}

func TestReadFileIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	mustNot(t, os.WriteFile(path, []byte(FileMagic+"\n"), 0o600))
	mustNot(t, os.Truncate(path, 1<<40))
	if _, err := ReadFile(path); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("a terabyte: %v; want ErrMalformed", err)
	}
	if _, err := ReadFile(filepath.Dir(path)); err == nil || !strings.Contains(err.Error(), "regular file") {
		t.Errorf("a folder: %v; want an error about a regular file", err)
	}
	if _, err := ReadFile(path + ".missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v; want fs.ErrNotExist", err)
	}
}
