package export_test

import (
	"os"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/export"
	"github.com/zkkex/zkkex/export/internal/exporttest"
)

// exported is the sample of docs/spec/export.md: a presentation that does not
// change, and the verifying part of the set it was made with.
type exported struct {
	presentation *zkkex.Presentation
	key          *export.Key
	proof        *export.Proof
}

func sample(t testing.TB) exported {
	t.Helper()
	text, err := os.ReadFile("testdata/sample.presentation")
	if err != nil {
		t.Fatal(err)
	}
	p, err := zkkex.ParsePresentationText(text)
	if err != nil {
		t.Fatal(err)
	}
	key := exporttest.KeyOf(t, os.DirFS("testdata/params"))
	if key.Params() != p.Params {
		t.Fatal("the sample's presentation and parameters do not belong together")
	}
	return exported{presentation: p, key: key, proof: exporttest.Proof(t, key, p)}
}
