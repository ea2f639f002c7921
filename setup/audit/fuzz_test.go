package audit_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/zkkex/zkkex/setup/audit"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
	"github.com/zkkex/zkkex/setup/params"
)

// Whatever the files hold that a manifest describes rightly, there is a report, and
// only the files of the ceremony are sound.
func FuzzVerify(f *testing.F) {
	ceremonytest.Small(f)
	plan := ceremonytest.Plan{Imported: true, Phase2: []string{"Alice"}, Signed: []string{"Alice"}}
	sound := set(ceremonytest.Read(f, os.DirFS(plan.Make(f))).Set(f))
	names := []string{params.TranscriptFile, params.ProvingKeyFile, params.VerifyingKeyFile}
	for which, name := range names {
		b := sound[name]
		f.Add(which, b)
		f.Add(which, b[:len(b)/2])
		f.Add(which, append(bytes.Clone(b), 0))
	}
	f.Fuzz(func(t *testing.T, which int, b []byte) {
		if which < 0 || which >= len(names) || len(b) == 0 {
			return // a manifest describes no such file
		}
		name := names[which]
		if name == params.VerifyingKeyFile && len(b) != params.VerifyingKeySize {
			return // nor a verifying key of this size
		}
		changed := set{}
		for name, content := range sound {
			changed[name] = content
		}
		changed[name] = b
		report := verify(t, changed.manifest(t, nil), audit.Options{})
		if report.Sound() != bytes.Equal(b, sound[name]) {
			t.Errorf("%s: %v", report.Verdict, report.Err())
		}
	})
}
