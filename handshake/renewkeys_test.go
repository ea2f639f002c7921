package handshake

import (
	"testing"
	"time"
)

// A venue's key for renewals serves the channels of ten minutes, and no others.
func TestRenewalKeysChange(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	keys := &renewalKeys{now: func() time.Time { return now }}
	current := func() string {
		k, err := keys.current()
		if err != nil {
			t.Fatal(err)
		}
		return string(k.PublicKey().Bytes())
	}
	first := current()
	now = now.Add(renewalKeyAge - 1)
	if current() != first {
		t.Error("another key before its time")
	}
	now = now.Add(1)
	second := current()
	if second == first {
		t.Error("the same key after its time")
	}
	now = now.Add(-time.Hour)
	if current() == second {
		t.Error("the same key after the clock was set back")
	}
}
