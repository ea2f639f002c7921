package cli

import (
	"reflect"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/venue"
)

// Every cause for which a first message came to nothing is shown, once it happened.
func TestVenueStatusShowsCauses(t *testing.T) {
	yes := map[string]bool{"Received": true, "Rejected": true, "Admitted": true, "Opened": true, "Early": true}
	var m venue.MessageStatus
	v, shown := reflect.ValueOf(&m).Elem(), 0
	for i := range v.NumField() {
		if yes[v.Type().Field(i).Name] {
			continue
		}
		v.Field(i).SetUint(7)
		if shown++; strings.Count(causes(&m), "7 ") != shown {
			t.Errorf("%s is not shown in %q", v.Type().Field(i).Name, causes(&m))
		}
	}
	m = venue.MessageStatus{Rejected: map[zkkex.Reason]uint64{"not_admitted": 2, "epoch_over": 1}}
	if got := causes(&m); got != "1 refused as epoch_over, 2 refused as not_admitted" {
		t.Errorf("refusals are shown as %q", got)
	}
}

// An identity of two keys is shown as it is pinned, and without handshakes there
// are no rows about them.
func TestVenueStatusText(t *testing.T) {
	s := &venue.Status{Name: "venue.example", Identity: "venue.example+one\nvenue.example+two"}
	text := (&venueStatusResult{s}).text()
	if strings.Count(text, "\nidentity ") != 2 || strings.Contains(text, "handshakes") || strings.Contains(text, "proofs") {
		t.Errorf("shown as\n%s", text)
	}
	s.Handshakes, s.Verifications = &venue.HandshakeStatus{Accepted: 3, Opened: 2, Failed: 1}, &venue.VerificationStatus{Queued: 5}
	s.Handshakes.Messages.WrongMAC = 1
	text = (&venueStatusResult{s}).text()
	for _, part := range []string{"3 connections: 2 opened", "1 with a wrong MAC", "5: 0 bad"} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
}
