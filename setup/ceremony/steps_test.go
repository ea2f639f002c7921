package ceremony_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/filelock"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
	"github.com/zkkex/zkkex/setup/params"
)

var ctx = context.Background()

// unchanged fails the test if the folder holds another number of contributions.
func unchanged(t *testing.T, dir string, want int) {
	t.Helper()
	if got := len(open(t, dir).Status().Entries); got != want {
		t.Errorf("the folder holds %d contributions, expected %d", got, want)
	}
}

func TestStepsOutOfTurn(t *testing.T) {
	ceremonytest.Small(t)
	begun := ceremonytest.Plan{}.Make(t)
	c := open(t, begun)
	if s := c.Status(); s.Phase != 1 || s.Next != 1 || s.Closable() || s.Complete() {
		t.Errorf("at the beginning: %+v", s)
	}
	if _, err := c.Beacon(ctx, "source", ceremonytest.BeaconValue, nil); !errors.Is(err, ceremony.ErrNotNow) {
		t.Errorf("a beacon for phase 1 to which nobody contributed: %v", err)
	}
	_, err := c.Seal(ctx, filepath.Join(t.TempDir(), "set"), nil)
	refused(t, "sealed at the beginning", err, ceremony.FileError{File: ceremony.FileName(1), Number: 1, Check: ceremony.CheckContributions})
	unchanged(t, begun, 0)

	half := ceremonytest.Plan{Phase1: []string{"Alice"}, Phase2: []string{"Bob"}, Announced: true, Open: true}.Make(t)
	c = open(t, half)
	if s := c.Status(); s.Phase != 2 || s.Next != 4 || !s.Closable() || s.Complete() || s.Announced != ceremonytest.BeaconSource {
		t.Errorf("before the last beacon: %+v", s)
	}
	_, err = c.Seal(ctx, filepath.Join(t.TempDir(), "set"), nil)
	refused(t, "sealed without the last beacon", err, ceremony.FileError{File: ceremony.FileName(4), Number: 4, Check: ceremony.CheckBeacon})
	if _, err := c.Beacon(ctx, "another source", ceremonytest.BeaconValue, nil); !errors.Is(err, ceremony.ErrNotNow) {
		t.Errorf("a beacon that was not announced: %v", err)
	}
	if _, err := c.Beacon(ctx, ceremonytest.BeaconSource, make([]byte, 15), nil); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("a beacon of 15 bytes: %v", err)
	}
	unchanged(t, half, 3)

	done := ceremonytest.Plan{Imported: true, Phase2: []string{"Alice"}}.Make(t)
	c = open(t, done)
	if _, err := c.Contribute(ctx, ceremony.Contributor{Name: "Bob"}, nil); !errors.Is(err, ceremony.ErrNotNow) {
		t.Errorf("a contribution to a closed ceremony: %v", err)
	}
	if _, err := c.Beacon(ctx, "source", ceremonytest.BeaconValue, nil); !errors.Is(err, ceremony.ErrNotNow) {
		t.Errorf("a beacon for a closed ceremony: %v", err)
	}
	unchanged(t, done, 2)
	readOnly, err := ceremony.OpenFS(os.DirFS(half))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := readOnly.Contribute(ctx, ceremony.Contributor{Name: "Bob"}, nil); !errors.Is(err, ceremony.ErrNotNow) {
		t.Errorf("a contribution to what is only read: %v", err)
	}
}

func TestContributeRefuses(t *testing.T) {
	ceremonytest.Small(t)
	dir := ceremonytest.Plan{}.Make(t)
	c := open(t, dir)
	for _, name := range []string{"", " Bob", "Bob\n", "B\u202eob", "\xff", string(make([]byte, 65))} {
		if _, err := c.Contribute(ctx, ceremony.Contributor{Name: name}, nil); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("the name %q: %v, want %v", name, err, zkkex.ErrMalformed)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Contribute(ctx, ceremony.Contributor{Name: "Bob", Signer: signer}, nil); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("a key of ECDSA: %v, want %v", err, zkkex.ErrUnsupported)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := c.Contribute(ended, ceremony.Contributor{Name: "Bob"}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v, want %v", err, context.Canceled)
	}
	unchanged(t, dir, 0)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Contribute(ctx, ceremony.Contributor{Name: "Bob"}, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is gone: %v, want %v", err, fs.ErrNotExist)
	}
}

func TestInitRefuses(t *testing.T) {
	ceremonytest.Small(t)
	good := func() ceremony.Options {
		return ceremony.Options{Circuit: ceremonytest.Circuit, Name: "test", Kind: params.Ceremony, Created: ceremonytest.Created}
	}
	parent := t.TempDir()
	if _, err := ceremony.Init(ctx, parent, good(), nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a folder that is there: %v", err)
	}
	tests := []struct {
		name   string
		change func(o *ceremony.Options)
		want   error
	}{
		{"an unknown circuit", func(o *ceremony.Options) { o.Circuit = 0xffff }, zkkex.ErrUnsupported},
		{"a circuit of another proof system", func(o *ceremony.Options) { o.Circuit = zkkex.BabyJubjub20Plonk }, zkkex.ErrUnsupported},
		{"no name", func(o *ceremony.Options) { o.Name = "" }, zkkex.ErrMalformed},
		{"a name that does not print", func(o *ceremony.Options) { o.Name = "a\tb" }, zkkex.ErrMalformed},
		{"another kind", func(o *ceremony.Options) { o.Kind = "universal" }, zkkex.ErrUnsupported},
		{"no date", func(o *ceremony.Options) { o.Created = o.Created.AddDate(-100, 0, 0) }, zkkex.ErrMalformed},
		{"a beacon for an imported phase 1", func(o *ceremony.Options) {
			o.Ptau, o.Announced[0] = ceremonytest.Imported(t), "a beacon"
		}, zkkex.ErrMalformed},
		{"a small imported file", func(o *ceremony.Options) { o.Ptau = ceremonytest.Imported(t); o.Ptau.Power = 3 }, zkkex.ErrMalformed},
		{"an imported phase 1 of another size", func(o *ceremony.Options) {
			o.Ptau = ceremonytest.Imported(t)
			o.Ptau.SRS = o.Ptau.SRS[1:]
		}, zkkex.ErrMalformed},
		{"an imported phase 1 with a fault", func(o *ceremony.Options) {
			o.Ptau = ceremonytest.Imported(t)
			copy(o.Ptau.SRS[len(o.Ptau.SRS)-32:], o.Ptau.SRS[len(o.Ptau.SRS)-64:])
		}, ceremony.ErrRejected},
		{"an imported phase 1 without a chain", func(o *ceremony.Options) {
			o.Ptau = ceremonytest.Imported(t)
			o.Ptau.Chain = nil
		}, zkkex.ErrMalformed},
		{"an imported phase 1 with another's chain", func(o *ceremony.Options) {
			o.Ptau = ceremonytest.Imported(t)
			o.Ptau.Chain = run(ceremonytest.PtauPower, ceremonytest.Secrets("first"))
		}, ceremony.ErrRejected},
	}
	for _, test := range tests {
		o := good()
		test.change(&o)
		if _, err := ceremony.Init(ctx, filepath.Join(parent, "ceremony"), o, nil); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
	if entries, err := os.ReadDir(parent); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// Names that an imported file claims may hold anything; what does not print is not
// kept.
func TestImportedNames(t *testing.T) {
	ceremonytest.Small(t)
	d := open(t, ceremonytest.Plan{Imported: true}.Make(t)).Definition()
	if got := fmt.Sprintf("%q", d.Imported.Contributors); got != `["first" "second � name" ""]` {
		t.Error(got)
	}
	if s := open(t, ceremonytest.Plan{Imported: true}.Make(t)).Status(); s.Phase != 2 || s.Next != 1 {
		t.Errorf("an imported phase 1 is closed: %+v", s)
	}
}

// Two who contribute in one folder at once do not come in each other's way.
func TestOneAtATime(t *testing.T) {
	ceremonytest.Small(t)
	dir := ceremonytest.Plan{}.Make(t)
	lock, err := filelock.Acquire(filepath.Join(dir, ceremony.LockFile))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, dir).Contribute(ctx, ceremony.Contributor{Name: "Bob"}, nil); !errors.Is(err, filelock.ErrLocked) {
		t.Errorf("while another process contributes: %v, want %v", err, filelock.ErrLocked)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	results := make([]error, 8)
	for i := range results {
		c := open(t, dir)
		group.Go(func() {
			_, results[i] = c.Contribute(ctx, ceremony.Contributor{Name: fmt.Sprint("party ", i)}, nil)
		})
	}
	group.Wait()
	made := 0
	for _, err := range results {
		if err == nil {
			made++
		} else if !errors.Is(err, filelock.ErrLocked) {
			t.Errorf("at once with others: %v", err)
		}
	}
	if made == 0 {
		t.Error("nobody contributed")
	}
	c := open(t, dir)
	c.Forget()
	if v, err := c.Verify(ctx, nil); err != nil || v.Status.Made[0] != made {
		t.Errorf("%d contributed, then %+v, %v", made, v, err)
	}
}

// What came meanwhile is contributed upon.
func TestContributeUponWhatCameMeanwhile(t *testing.T) {
	ceremonytest.Small(t)
	dir := ceremonytest.Plan{}.Make(t)
	early := open(t, dir)
	for i, c := range []*ceremony.Ceremony{open(t, dir), early} {
		receipt, err := c.Contribute(ctx, ceremony.Contributor{Name: "Bob"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := ceremony.Receipt{Number: i + 1, Phase: 1, File: ceremony.FileName(i + 1), Digest: receipt.Digest}
		if *receipt != want || params.Describe(readFile(t, filepath.Join(dir, receipt.File))).SHA256 != receipt.Digest {
			t.Errorf("receipt %+v, want %+v", receipt, want)
		}
	}
}

// A file that came while the contribution was computed stays what it is.
func TestNothingIsReplaced(t *testing.T) {
	ceremonytest.Small(t)
	dir := ceremonytest.Plan{}.Make(t)
	path := filepath.Join(dir, ceremony.FileName(1))
	came := false
	_, err := open(t, dir).Contribute(ctx, ceremony.Contributor{Name: "Bob"}, func(string, int, int) {
		if !came {
			came = true
			if err := os.WriteFile(path, []byte("another's"), 0o644); err != nil {
				t.Error(err)
			}
		}
	})
	if !errors.Is(err, fs.ErrExist) || !came || string(readFile(t, path)) != "another's" {
		t.Errorf("%v, want %v", err, fs.ErrExist)
	}
}

// What a contributor brings is secret, and is not shown by accident.
func TestContributorDoesNotPrint(t *testing.T) {
	who := ceremony.Contributor{Name: "Bob", Entropy: []byte("SECRET"), Signer: ceremonytest.Key(t, "Bob")}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		text := fmt.Sprintf(verb, who) + fmt.Sprintf(verb, &who) + fmt.Sprintf(verb, []any{who})
		for _, secret := range []string{"SECRET", "534543524554", "83 69 67"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s: %s", verb, text)
			}
		}
	}
}
