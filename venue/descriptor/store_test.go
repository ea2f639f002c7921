package descriptor

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/filelock"
)

func testTerms() Terms {
	return Terms{
		Timing: DefaultTiming(), Schedule: zkkex.DefaultSchedule(), ChainID: 1, Registry: testRegistry,
		Limit: 8, Sequence: 100, Root: testRoot(0), MaxOpens: 64, MaxChannels: 4, Padding: [2]uint16{2048, 4096},
		Circuits:  []Circuit{{zkkex.BabyJubjub32, zkkex.ParamsDigest{0xbb}}, {zkkex.BabyJubjub20, zkkex.ParamsDigest{0xaa}}},
		Suites:    Suites()[:1],
		Addresses: []Address{{"tcp", "venue.example:9440"}},
	}
}

func newStore(t testing.TB) (dir string, s *Store) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "venue")
	return dir, reopen(t, dir)
}

func reopen(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := OpenStore(dir, testSigner(t, "zkkex test venue"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func mustRotate(t testing.TB, s *Store, now time.Time, terms Terms) *Signed {
	t.Helper()
	d, err := s.Rotate(now, terms)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A client that follows a store for two days takes everything in.
func TestStoreRotates(t *testing.T) {
	dir, s := newStore(t)
	chain, err := NewChain(ChainConfig{Identity: s.Identity()})
	if err != nil {
		t.Fatal(err)
	}
	terms := testTerms()
	for at := testTime; at.Before(testTime.Add(48 * time.Hour)); at = at.Add(10 * time.Minute) {
		terms.Sequence++ // the registry grows all the time
		terms.Root = testRoot(byte(terms.Sequence))
		d := mustRotate(t, s, at, terms)
		if _, err := chain.Add(d.Note(), nil, at); err != nil {
			t.Fatal(err)
		}
		current, err := chain.Current(at)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := s.Prekeys(current.Number, at)
		if err != nil {
			t.Fatal(err)
		}
		if !keys.matches(&current.Descriptor) {
			t.Fatalf("prekeys of descriptor %d do not match", current.Number)
		}
		if at == testTime.Add(20*time.Hour) {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = reopen(t, dir)
		}
	}
	if n := chain.Latest().Number; n != 49 {
		t.Errorf("%d descriptors in 48 hours, expected 49", n)
	}
	if kept := files(t, filepath.Join(dir, prekeyFolder)); len(kept) > 3 {
		t.Errorf("prekeys of %v are kept", kept)
	}
	if kept := files(t, filepath.Join(dir, signedFolder)); len(kept) != 49 {
		t.Errorf("%d descriptors are kept", len(kept))
	}
}

func TestRotateIsIdempotent(t *testing.T) {
	_, s := newStore(t)
	first := mustRotate(t, s, testTime, testTerms())
	if again := mustRotate(t, s, testTime.Add(49*time.Minute), testTerms()); again != first {
		t.Error("issued another one that was not due")
	}
	second := mustRotate(t, s, testTime.Add(50*time.Minute), testTerms())
	if second.Number != 2 || !second.NotBefore.Equal(first.NotBefore.Add(time.Hour)) {
		t.Errorf("the second is %d, from %v on", second.Number, second.NotBefore)
	}
	if again := mustRotate(t, s, testTime.Add(55*time.Minute), testTerms()); again != second {
		t.Error("issued another one before the second began")
	}
	if late := mustRotate(t, s, testTime.Add(30*time.Hour).Add(5*time.Second), testTerms()); !late.NotBefore.Equal(testTime.Add(30 * time.Hour)) {
		t.Errorf("after a pause, it begins at %v", late.NotBefore)
	}
}

// With a shorter interval from now on, the next but one waits until the long one
// has ended.
func TestShorterInterval(t *testing.T) {
	_, s := newStore(t)
	terms := testTerms()
	terms.Timing = Timing{Interval: 2 * time.Hour, Overlap: time.Hour}
	long := mustRotate(t, s, testTime, terms)
	terms.Timing = Timing{Interval: 10 * time.Minute, Overlap: time.Minute}
	short := mustRotate(t, s, testTime.Add(9*time.Minute), terms)
	third := mustRotate(t, s, testTime.Add(19*time.Minute), terms)
	if short.Number != 2 || !short.NotBefore.Equal(testTime.Add(10*time.Minute)) || third.Number != 3 || !third.NotBefore.Equal(long.NotAfter) {
		t.Errorf("2 begins at %v, %d at %v; the first ends at %v", short.NotBefore, third.Number, third.NotBefore, long.NotAfter)
	}
}

// Terms of an epoch stay as they were named, whatever the operator says later.
func TestTermsAreNamedOnce(t *testing.T) {
	_, s := newStore(t)
	first := mustRotate(t, s, testTime, testTerms())
	changed := testTerms()
	changed.Limit, changed.Sequence, changed.Root = 99, 500, testRoot(5)
	second := mustRotate(t, s, testTime.Add(time.Hour), changed)
	if second.Epochs != first.Epochs {
		t.Errorf("terms became %v, expected %v", second.Epochs, first.Epochs)
	}
	tomorrow := mustRotate(t, s, testTime.Add(24*time.Hour), changed)
	if want := (EpochTerms{20780, 99, 500, testRoot(5)}); tomorrow.Epochs != [2]EpochTerms{first.Epochs[1], want} {
		t.Errorf("terms are %v, expected %v and %v", tomorrow.Epochs, first.Epochs[1], want)
	}
}

func TestRaise(t *testing.T) {
	_, s := newStore(t)
	mustRotate(t, s, testTime, testTerms())
	pending := mustRotate(t, s, testTime.Add(55*time.Minute), testTerms())
	terms := testTerms()
	terms.Sequence, terms.Root, terms.Limit = 200, testRoot(2), 50
	now := testTime.Add(56*time.Minute + 30*time.Second)
	raised, err := s.Raise(now, terms)
	if err != nil {
		t.Fatal(err)
	}
	if raised.Generation != 1 || raised.Epochs[0].Sequence != 200 || raised.Epochs[0].Limit != 8 || !raised.NotBefore.Before(pending.NotBefore) {
		t.Errorf("raised %+v", raised.Descriptor)
	}
	if valid := s.Valid(now); len(valid) != 1 || valid[0] != raised {
		t.Errorf("%d are valid at once, expected the raised one alone", len(valid))
	}
	chain, err := NewChain(ChainConfig{Identity: s.Identity()})
	if err != nil {
		t.Fatal(err)
	}
	later := mustRotate(t, s, testTime.Add(3*time.Hour), terms)
	for n := uint64(1); n <= later.Number; n++ {
		d, err := s.ByNumber(n)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := chain.Add(d.Note(), nil, testTime); err != nil {
			t.Fatal(err)
		}
	}
}

func TestIssueRefuses(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Terms)
		class  error
		reason string
	}{
		{"another schedule", func(t *Terms) { t.Schedule.Length = 3600 * 12 }, ErrTerms, "epochs of"},
		{"another chain", func(t *Terms) { t.ChainID = 5 }, ErrTerms, "the chain 1 became 5"},
		{"another registry", func(t *Terms) { t.Registry = otherRegistry }, ErrTerms, "the registry"},
		{"no circuit", func(t *Terms) { t.Circuits = nil }, zkkex.ErrMalformed, "0 circuits"},
		{"no suite", func(t *Terms) { t.Suites = nil }, zkkex.ErrMalformed, "0 suites"},
		{"interval of seconds", func(t *Terms) { t.Timing.Interval = 90 * time.Second }, nil, "whole minutes"},
		{"no overlap", func(t *Terms) { t.Timing.Overlap = 0 }, nil, "whole minutes"},
		{"overlap too long", func(t *Terms) { t.Timing.Overlap = 31 * time.Minute }, nil, "at most half"},
		{"prekey grace below 0", func(t *Terms) { t.Timing.PrekeyGrace = -1 }, nil, "prekey grace"},
		{"prekey grace too long", func(t *Terms) { t.Timing.PrekeyGrace = MaxPrekeyLife }, nil, "prekey grace"},
		{"longer than epochs", func(t *Terms) { t.Timing = Timing{Interval: 72 * time.Hour, Overlap: time.Hour} }, nil, "must fit into one"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, s := newStore(t)
			first := mustRotate(t, s, testTime, testTerms())
			terms := testTerms()
			test.change(&terms)
			later := testTime.Add(80 * time.Hour) // the next one is due with any timing
			_, err := s.Rotate(later, terms)
			if err == nil || test.class != nil && !errors.Is(err, test.class) || !strings.Contains(err.Error(), test.reason) {
				t.Fatalf("%v; want %v with %q", err, test.class, test.reason)
			}
			if s.Latest() != first || len(files(t, filepath.Join(dir, signedFolder))) != 1 {
				t.Error("something was issued")
			}
			if next := mustRotate(t, s, later, testTerms()); next.Number != 2 {
				t.Errorf("afterwards, number %d is issued", next.Number)
			}
		})
	}
	_, s := newStore(t)
	mustRotate(t, s, testTime, testTerms())
	back := testTerms()
	back.Sequence--
	if _, err := s.Raise(testTime.Add(time.Minute), back); !errors.Is(err, ErrTerms) {
		t.Errorf("raised with an older root: %v; want ErrTerms", err)
	}
}

func TestPrekeysEnd(t *testing.T) {
	dir, s := newStore(t)
	terms := testTerms()
	terms.Timing.PrekeyGrace = time.Hour
	d := mustRotate(t, s, testTime, terms)
	expires := d.NotAfter.Add(time.Hour)
	if _, err := s.Prekeys(2, testTime); !errors.Is(err, ErrUnknownNumber) {
		t.Errorf("never issued: %v; want ErrUnknownNumber", err)
	}
	keys, err := s.Prekeys(1, expires.Add(-time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if keys.Number() != 1 || !keys.Expires().Equal(expires) {
		t.Errorf("keys of %d until %v", keys.Number(), keys.Expires())
	}
	if _, err := s.Prekeys(1, expires); !errors.Is(err, ErrPrekeysExpired) {
		t.Errorf("at their expiry: %v; want ErrPrekeysExpired", err)
	}
	path := s.prekeyPath(1)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	held, err := os.Open(path) // what the file holds after it was removed
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if n, err := s.Sweep(expires.Add(PrekeyMargin - time.Second)); n != 0 || err != nil {
		t.Errorf("destroyed %d before the margin, %v", n, err)
	}
	if n, err := s.Sweep(expires.Add(PrekeyMargin)); n != 1 || err != nil {
		t.Errorf("destroyed %d, %v; want 1", n, err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is there: %v", err)
	}
	if rest, err := io.ReadAll(held); err != nil || len(rest) == 0 || len(bytes.Trim(rest, "\x00")) != 0 {
		t.Errorf("the file was not wiped: %q, %v", rest, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Prekeys(1, testTime); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v; want ErrClosed", err)
	}
	again := reopen(t, dir)
	if d, err := again.ByNumber(1); err != nil || d.Number != 1 {
		t.Errorf("the descriptor is gone: %v", err)
	}
	if _, err := again.Prekeys(1, testTime); !errors.Is(err, ErrPrekeysExpired) {
		t.Errorf("destroyed, after reopening: %v; want ErrPrekeysExpired", err)
	}
}

func TestPrekeyFileRoundTrip(t *testing.T) {
	for _, withKEM := range []bool{true, false} {
		keys := testPrekeys(t, 7, testTime, withKEM)
		text := keys.encode()
		again, err := parsePrekeys(text)
		if err != nil || !bytes.Equal(again.encode(), text) || again.Number() != 7 {
			t.Fatalf("parsed %v, %v", again, err)
		}
		for _, bad := range [][]byte{nil, text[1:], text[:len(text)-1], append(bytes.Clone(text), '\n'),
			bytes.Replace(text, []byte("number: 7"), []byte("number: 07"), 1), bytes.Replace(text, []byte("expires: "), []byte("expires: -"), 1),
			bytes.Replace(text, []byte("x25519: "), []byte("x25519: A"), 1), bytes.Replace(text, []byte("mlkem768: "), []byte("mlkem768: A"), 1)} {
			if _, err := parsePrekeys(bad); !errors.Is(err, zkkex.ErrMalformed) {
				t.Errorf("%d bytes: %v; want ErrMalformed", len(bad), err)
			} else if findSecret(err.Error(), [][]byte{keys.X25519().Bytes()}) != "" {
				t.Errorf("the error quotes the key: %v", err)
			}
		}
	}
}

func FuzzParsePrekeys(f *testing.F) {
	f.Add(testPrekeys(f, 1, testTime, true).encode())
	f.Add(testPrekeys(f, 2, testTime, false).encode())
	f.Fuzz(func(t *testing.T, text []byte) {
		if keys, err := parsePrekeys(text); err == nil && !bytes.Equal(keys.encode(), text) {
			t.Fatal("parse and encode give other bytes")
		}
	})
}

func FuzzParseSigner(f *testing.F) {
	f.Add(encodeSigner(testVenue, "ed25519", make([]byte, 32)))
	f.Add(encodeSigner(testVenue, "mldsa65", make([]byte, 32)))
	f.Add([]byte(signerMagic + "\nname: x\ned25519: \n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		_, err := parseSigner(text)
		if err != nil && !errors.Is(err, zkkex.ErrMalformed) {
			t.Fatalf("untyped error: %v", err)
		}
	})
}

func TestOneProcessAtATime(t *testing.T) {
	dir, _ := newStore(t)
	if _, err := OpenStore(dir, testSigner(t, "zkkex test venue")); !errors.Is(err, filelock.ErrLocked) {
		t.Errorf("a second store: %v; want ErrLocked", err)
	}
}

func TestClosedStore(t *testing.T) {
	_, s := newStore(t)
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, rotateErr := s.Rotate(testTime, testTerms())
	_, sweepErr := s.Sweep(testTime)
	_, publishErr := s.Publish(t.Context(), nil)
	for _, err := range []error{rotateErr, sweepErr, publishErr} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%v; want ErrClosed", err)
		}
	}
}

// Damage is said to be damage, each kind in its words, and nothing is issued.
func TestOpenStoreRefusesDamage(t *testing.T) {
	for _, test := range []struct {
		name   string
		damage func(t *testing.T, dir string)
		reason string
	}{
		{"another venue's identity", func(t *testing.T, dir string) {
			other := testIdentity(t, testSigner(t, "zkkex test other venue"))
			write(t, filepath.Join(dir, identityFile), []byte(other.String()+"\n"))
		}, "another venue"},
		{"a descriptor is missing", func(t *testing.T, dir string) { remove(t, dir, signedFolder, fileName(2)) }, "expected descriptors 1 to 1"},
		{"the last one is missing", func(t *testing.T, dir string) { remove(t, dir, signedFolder, fileName(3)) }, "3 descriptors were published and 2 are here"},
		{"a descriptor is changed", func(t *testing.T, dir string) {
			path := filepath.Join(dir, signedFolder, fileName(2))
			write(t, path, bytes.Replace(read(t, path), []byte("opens: 64"), []byte("opens: 65"), 1))
		}, "not signed by the venue's identity"},
		{"a descriptor under another's number", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, signedFolder, fileName(2)), read(t, filepath.Join(dir, signedFolder, fileName(1))))
		}, "holds descriptor 1"},
		{"too large", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, signedFolder, fileName(2)), make([]byte, MaxSigned+1))
		}, "expected at most 49152"},
		{"a file that does not belong there", func(t *testing.T, dir string) { write(t, filepath.Join(dir, signedFolder, "notes"), nil) }, "and no other"},
		{"prekeys that are others", func(t *testing.T, dir string) {
			path := filepath.Join(dir, prekeyFolder, fileName(2))
			right, err := loadPrekeyFile(path)
			if err != nil {
				t.Fatal(err)
			}
			write(t, path, testPrekeys(t, 2, right.Expires(), true).encode())
		}, "prekeys of no retained descriptor"},
		{"prekeys with another expiry", func(t *testing.T, dir string) {
			path := filepath.Join(dir, prekeyFolder, fileName(2))
			right, err := loadPrekeyFile(path)
			if err != nil {
				t.Fatal(err)
			}
			write(t, path, holdPrekeys(2, right.Expires().Add(time.Second), right.X25519(), right.MLKEM768()).encode())
		}, "prekeys of no retained descriptor"},
		{"pending is no descriptor", func(t *testing.T, dir string) { write(t, filepath.Join(dir, pendingFile), []byte("x")) }, "pending"},
		{"pending is another of a known number", func(t *testing.T, dir string) {
			c := newTestChain(t)
			c.next()
			c.next()
			write(t, filepath.Join(dir, pendingFile), mustText(t, c.draft()))
		}, "descriptor 3 is about to be signed, expected 4"},
		{"pending without its prekeys", func(t *testing.T, dir string) {
			c := newTestChain(t)
			for range 3 {
				c.next()
			}
			write(t, filepath.Join(dir, pendingFile), mustText(t, c.draft()))
		}, "are missing"},
		{"checkpoint of another log", func(t *testing.T, dir string) {
			_, other := newStore(t)
			mustRotate(t, other, testTime, testTerms())
			signed, err := other.Publish(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, checkpointFile), signed)
		}, "are not those that were published"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, s := newStore(t)
			for i := range 3 {
				mustRotate(t, s, testTime.Add(time.Duration(i)*time.Hour), testTerms())
			}
			if _, err := s.Publish(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			test.damage(t, dir)
			_, err := OpenStore(dir, testSigner(t, "zkkex test venue"))
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), test.reason) {
				t.Fatalf("%v; want ErrDamaged with %q", err, test.reason)
			}
			if lock, err := filelock.Acquire(filepath.Join(dir, lockFile)); err != nil {
				t.Errorf("the lock is held after the refusal: %v", err)
			} else if err := lock.Release(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOpenStoreRefusesLoosePrekeys(t *testing.T) {
	dir, s := newStore(t)
	mustRotate(t, s, testTime, testTerms())
	path := s.prekeyPath(1)
	if err := errors.Join(s.Close(), os.Chmod(path, 0o640)); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenStore(dir, testSigner(t, "zkkex test venue")); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("prekeys that the group can read: %v", err)
	}
}

// deviceThatFails signs as long as it is told to.
type deviceThatFails struct {
	ed25519.PrivateKey
	fail bool
}

func (d *deviceThatFails) Sign(r io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	if d.fail {
		return nil, errors.New("the device is unplugged")
	}
	return d.PrivateKey.Sign(r, message, opts)
}

// What was committed to is signed later, as it was, even if the operator's terms
// have changed.
func TestDeviceThatFails(t *testing.T) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	device := &deviceThatFails{PrivateKey: private, fail: true}
	signer, err := NewSigner(testVenue, device)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s, err := OpenStore(dir, signer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Rotate(testTime, testTerms()); err == nil || !strings.Contains(err.Error(), "unplugged") {
		t.Fatalf("%v; want the device's error", err)
	}
	committed := read(t, filepath.Join(dir, pendingFile))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenStore(dir, signer); err == nil || !strings.Contains(err.Error(), "unplugged") {
		t.Fatalf("opened without the device: %v", err)
	}
	device.fail = false
	if s, err = OpenStore(dir, signer); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	other := testTerms()
	other.MaxOpens = 3
	d := mustRotate(t, s, testTime, other)
	if d.Number != 1 || !bytes.Equal(d.text, committed) {
		t.Errorf("signed another text: %s", d.text)
	}
}

func TestReadOnlyFolder(t *testing.T) {
	dir, s := newStore(t)
	mustRotate(t, s, testTime, testTerms())
	// A file in the place of a folder fails for every user, root too.
	folder := filepath.Join(dir, prekeyFolder)
	if err := os.Rename(folder, folder+"-away"); err != nil {
		t.Fatal(err)
	}
	write(t, folder, nil)
	if _, err := s.Rotate(testTime.Add(time.Hour), testTerms()); err == nil {
		t.Fatal("issued without a folder to write to")
	}
	if err := errors.Join(os.Remove(folder), os.Rename(folder+"-away", folder)); err != nil {
		t.Fatal(err)
	}
	if d := mustRotate(t, s, testTime.Add(time.Hour), testTerms()); d.Number != 2 {
		t.Errorf("afterwards, number %d", d.Number)
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func remove(t *testing.T, path ...string) {
	t.Helper()
	if err := os.Remove(filepath.Join(path...)); err != nil {
		t.Fatal(err)
	}
}
