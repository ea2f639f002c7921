package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// ago moves the beginning of the work and of its step into the past.
func (b *bar) ago(d time.Duration) {
	b.began, b.stepBegan = b.began.Add(-d), b.stepBegan.Add(-d)
}

func TestBar(t *testing.T) {
	var out bytes.Buffer
	a := &app{env: Env{Stderr: &out, Redraw: true}}
	now := time.Now()
	b := &bar{a: a, began: now, stepBegan: now}
	b.report("checking", 0, 10)
	b.end()
	if out.Len() > 0 {
		t.Errorf("within a second it shows %q", out.String())
	}
	b.ago(5 * time.Second)
	b.report("checking", 5, 10)
	if got := out.String(); !strings.HasSuffix(got, "zkkex: [############............] checking 50 %, 5s left") {
		t.Errorf("on a terminal it shows %q", got)
	}
	b.report("\x1b[31mred", 10, 10)
	b.end()
	if got := out.String(); strings.Contains(got, "\x1b[31m") || !strings.HasSuffix(got, "\r\x1b[K") {
		t.Errorf("it leaves %q", got)
	}

	out.Reset()
	a.env.Redraw = false
	b = &bar{a: a, began: now.Add(-time.Minute), stepBegan: now.Add(-time.Minute)}
	b.report("checking", 1, 10)
	b.report("checking", 2, 10)
	b.report("too soon", 0, 1)
	b.shown = b.shown.Add(-slow)
	b.report("sealing", 0, 1)
	b.end()
	if got, want := out.String(), "zkkex: checking ...\nzkkex: sealing ...\n"; got != want {
		t.Errorf("in a log it shows %q, expected %q", got, want)
	}
	b.ago(sayAgain)
	b.shown = b.shown.Add(-sayAgain)
	b.report("sealing", 1, 2)
	if got := out.String(); !strings.HasSuffix(got, "zkkex: sealing ... 50 %, 10s left\n") {
		t.Errorf("after ten seconds it shows %q", got)
	}
	out.Reset()
	b.shown = b.shown.Add(-sayAgain)
	b.report("sealing", 2, 2)
	b.report("over as it began", 1, 1)
	if out.Len() > 0 {
		t.Errorf("of what is over it shows %q", out.String())
	}
	a.quiet = true
	out.Reset()
	b.report("more", 1, 2)
	if out.Len() > 0 {
		t.Errorf("with --quiet it shows %q", out.String())
	}
}
