package audit_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/plonktest"
	"github.com/zkkex/zkkex/setup/audit"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
	"github.com/zkkex/zkkex/setup/dev"
	"github.com/zkkex/zkkex/setup/params"
)

// A set of another proof system has no ceremony of its own, and no report.
func TestSetOfPlonkIsUnsupported(t *testing.T) {
	folder, _ := plonktest.Folder(t, zkkex.BabyJubjub20Plonk)
	report, err := audit.Verify(context.Background(), folder, audit.Options{}, nil)
	if !errors.Is(err, zkkex.ErrUnsupported) || report != nil {
		t.Errorf("%v, %v; want %v", report, err, zkkex.ErrUnsupported)
	}
}

// A set with a commitment has no ceremony yet, and no report.
func TestSetWithCommitmentIsUnsupported(t *testing.T) {
	fsys, err := dev.FS(zkkex.P256Key20)
	if err != nil {
		t.Fatal(err)
	}
	report, err := audit.Verify(context.Background(), fsys, audit.Options{}, nil)
	if !errors.Is(err, zkkex.ErrUnsupported) || report != nil || !strings.Contains(err.Error(), "have a commitment") {
		t.Errorf("%v, %v; want %v that names the commitment", report, err, zkkex.ErrUnsupported)
	}
}

// What is no regular file is not read: there is no report.
func TestSetIsRegularFiles(t *testing.T) {
	sound := set(newForger(t, ceremonytest.Three).chain.Set(t))
	for _, name := range []string{params.ManifestFile, params.ProvingKeyFile, params.VerifyingKeyFile, params.TranscriptFile} {
		files := sound.fs()
		files[name].Mode = fs.ModeNamedPipe | 0o644
		report, err := audit.Verify(context.Background(), files, audit.Options{}, nil)
		if report != nil || err == nil || !strings.Contains(err.Error(), name+": expected a regular file") {
			t.Errorf("%s: %v, %v", name, report, err)
		}
	}
}
