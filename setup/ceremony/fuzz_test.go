package ceremony_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
	"github.com/zkkex/zkkex/setup/ceremony/sshsig"
)

// seeds returns the files of two small ceremonies, as seeds.
func seeds(f *testing.F) (definitions, contributions, transcripts [][]byte) {
	f.Helper()
	ceremonytest.Small(f)
	for _, plan := range []ceremonytest.Plan{
		{Phase1: []string{"Alice"}, Phase2: []string{"Bob"}, Signed: []string{"Alice"}, Announced: true},
		{Imported: true, Phase2: []string{"Alice"}},
	} {
		dir := plan.Make(f)
		fsys := os.DirFS(dir)
		for name, b := range ceremonytest.Read(f, fsys).Files(f) {
			switch name {
			case ceremony.DefinitionFile:
				definitions = append(definitions, b)
			case ceremony.PhaseOneFile, ceremony.ChainFile:
			default:
				contributions = append(contributions, b)
			}
		}
		packed, err := ceremony.Pack(fsys)
		if err != nil {
			f.Fatal(err)
		}
		transcripts = append(transcripts, packed)
	}
	return definitions, contributions, transcripts
}

// classed fails the test if an error of parsing has no class.
func classed(t *testing.T, err error, more ...error) {
	t.Helper()
	for _, class := range append(more, zkkex.ErrMalformed, zkkex.ErrUnsupported) {
		if errors.Is(err, class) {
			return
		}
	}
	t.Fatalf("an error without a class: %v", err)
}

func FuzzParseDefinition(f *testing.F) {
	definitions, _, _ := seeds(f)
	for _, b := range definitions {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ceremony.ParseDefinition(b)
		if err != nil {
			classed(t, err)
			return
		}
		if again, err := d.Bytes(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("accepted, and written otherwise: %v", err)
		}
	})
}

func FuzzParseHeader(f *testing.F) {
	_, contributions, _ := seeds(f)
	for _, b := range contributions {
		p, _, err := ceremony.ParseContribution(b)
		if err != nil {
			f.Fatal(err)
		}
		header, err := p.Header.Bytes()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ceremony.ParseHeader(b)
		if err != nil {
			classed(t, err)
			return
		}
		if again, err := h.Bytes(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("accepted, and written otherwise: %v", err)
		}
	})
}

func FuzzParseContribution(f *testing.F) {
	_, contributions, _ := seeds(f)
	for _, b := range contributions {
		f.Add(b)
		f.Add(b[:len(b)/2])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, payload, err := ceremony.ParseContribution(b)
		if err != nil {
			classed(t, err, sshsig.ErrSignature)
			return
		}
		again, err := p.Bytes()
		if err != nil || !bytes.Equal(append(again, payload...), b) {
			t.Fatalf("accepted, and written otherwise: %v", err)
		}
	})
}

func FuzzOpenTranscript(f *testing.F) {
	_, _, transcripts := seeds(f)
	for _, b := range transcripts {
		f.Add(b)
		f.Add(b[:len(b)/2])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := openTranscript(b)
		if err != nil {
			classed(t, err, ceremony.ErrRejected, fs.ErrNotExist)
			return
		}
		if again, err := c.Transcript(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("accepted, and written otherwise: %v", err)
		}
	})
}
