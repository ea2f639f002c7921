package cli

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/threshold"
)

// A signer agrees to what it is told on the terminal, or to everything; never to what
// it cannot show, unless that was allowed.
func TestApproval(t *testing.T) {
	for name, test := range map[string]struct {
		purpose           envelope.Purpose
		all, certificates bool
		answer            string
		noTerminal        bool
		want              error
		asked             bool
	}{
		"yes":                           {envelope.Delegation, false, false, "yes", false, nil, true},
		"y is no yes":                   {envelope.Delegation, false, false, "y", false, errDeclined, true},
		"nothing":                       {envelope.Possession, false, false, "", false, errDeclined, true},
		"nobody to ask":                 {envelope.Delegation, false, false, "", true, ErrNoTerminal, true},
		"approve all":                   {envelope.Delegation, true, false, "", true, nil, false},
		"a certificate":                 {envelope.Certificate, false, false, "yes", false, errBlind, false},
		"a certificate, approve all":    {envelope.Certificate, true, false, "", true, errBlind, false},
		"a certificate that is allowed": {envelope.Certificate, true, true, "", true, nil, false},
		"a certificate, and a no":       {envelope.Certificate, false, true, "no", false, errDeclined, true},
	} {
		t.Run(name, func(t *testing.T) {
			var shown strings.Builder
			asked := false
			a := &app{env: Env{Stderr: &shown, Stdout: io.Discard, ReadPassword: func(context.Context, string) (string, error) {
				asked = true
				if test.noTerminal {
					return "", ErrNoTerminal
				}
				return test.answer, nil
			}}}
			r := &threshold.Request{From: "desk", Message: envelope.Message{Purpose: test.purpose}}
			if err := a.approval(test.all, test.certificates)(t.Context(), r); !errors.Is(err, test.want) {
				t.Errorf("%v; want %v", err, test.want)
			}
			if asked != test.asked || !strings.Contains(shown.String(), "desk") {
				t.Errorf("asked %t, want %t; shown: %q", asked, test.asked, shown.String())
			}
		})
	}
}
