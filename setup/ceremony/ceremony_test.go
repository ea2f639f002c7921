package ceremony_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
	"github.com/zkkex/zkkex/setup/params"
)

// Three people make parameters; whoever seals gets the same bytes, from the folder
// as from the transcript.
func TestCeremony(t *testing.T) {
	ceremonytest.Small(t)
	dir := ceremonytest.Three.Make(t)
	c := open(t, dir)
	s := c.Status()
	if !s.Complete() || s.Made != [2]int{3, 3} || len(s.Entries) != 8 || s.Next != 0 {
		t.Errorf("status %+v", s)
	}
	for i, want := range []string{"Alice", "Bob", "Carol", "", "Alice", "Bob", "Carol", ""} {
		e := s.Entries[i]
		if e.Contributor != want || (e.Kind == ceremony.Beacon) != (want == "") || (e.Key != "") != (want == "Alice" || want == "Carol") {
			t.Errorf("entry %d: %+v", i+1, e)
		}
	}
	first := filepath.Join(t.TempDir(), "set")
	m, err := c.Seal(context.Background(), first, nil)
	if err != nil {
		t.Fatal(err)
	}
	if m.Kind != params.Ceremony || m.Ceremony.Contributions != 3 || m.Ceremony.Beacon != ceremonytest.BeaconSource {
		t.Errorf("manifest %+v, ceremony %+v", m, m.Ceremony)
	}
	transcript := readFile(t, filepath.Join(first, params.TranscriptFile))
	if params.Describe(transcript) != m.Ceremony.Transcript {
		t.Error("the manifest is of another transcript")
	}
	ceremonytest.Cache(t) // verify it all again
	again, err := ceremony.OpenTranscript(bytes.NewReader(transcript), int64(len(transcript)))
	if err != nil {
		t.Fatal(err)
	}
	second := filepath.Join(t.TempDir(), "set")
	if _, err := again.Seal(context.Background(), second, nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{params.ManifestFile, params.ProvingKeyFile, params.VerifyingKeyFile, params.TranscriptFile} {
		if !bytes.Equal(readFile(t, filepath.Join(first, name)), readFile(t, filepath.Join(second, name))) {
			t.Errorf("%s differs when it is sealed again", name)
		}
	}
	if _, err := c.Seal(context.Background(), first, nil); !errors.Is(err, os.ErrExist) {
		t.Errorf("sealed over a set: %v", err)
	}
}

func open(t testing.TB, dir string) *ceremony.Ceremony {
	t.Helper()
	c, err := ceremony.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
