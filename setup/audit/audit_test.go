package audit_test

import (
	"testing"

	"github.com/zkkex/zkkex/setup/audit"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
)

func TestSoundSet(t *testing.T) {
	f := newForger(t, ceremonytest.Three)
	report := verify(t, f.chain.Set(t), audit.Options{})
	if !report.Sound() || report.Err() != nil {
		t.Errorf("%s: %v", report.Verdict, report.Err())
	}
	for _, check := range report.Checks {
		if check.Outcome != audit.Passed {
			t.Error(check)
		}
	}
}
