package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// barWidth is the number of characters of a full bar, drawAgain how often a bar on a
// terminal is drawn, and sayAgain how often a log is told.
const (
	barWidth  = 24
	drawAgain = 150 * time.Millisecond
	sayAgain  = 10 * time.Second
)

// bar shows how far work of many steps is: on a terminal as a line that is drawn
// again, elsewhere as lines, one for each step that takes a while and one every ten
// seconds. What is done within a second shows nothing. It is safe for concurrent use.
type bar struct {
	a *app

	mu        sync.Mutex
	began     time.Time // of the work
	stepBegan time.Time
	shown     time.Time
	step      string
	drawn     bool // the terminal's line is not empty
}

// bar returns the bar of a piece of work. The work calls report; end leaves the
// terminal's line clean.
func (a *app) bar() (report func(step string, done, total int), end func()) {
	now := time.Now()
	b := &bar{a: a, began: now, stepBegan: now}
	return b.report, b.end
}

func (b *bar) report(step string, done, total int) {
	if b.a.quiet {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	fresh := step != b.step
	if fresh {
		b.step, b.stepBegan = step, now
	}
	if now.Sub(b.began) < slow {
		return
	}
	if b.a.env.Redraw {
		if fresh || now.Sub(b.shown) >= drawAgain {
			b.draw(done, total, now)
		}
		return
	}
	if total > 0 && done >= total {
		return // a log needs no word of what is over
	}
	// Of steps that follow one another within a second, a log needs the first.
	if wait := now.Sub(b.shown); fresh && wait >= slow || wait >= sayAgain {
		b.shown = now
		b.a.notef("%s ...%s", step, left(done, total, now.Sub(b.stepBegan)))
	}
}

func (b *bar) draw(done, total int, now time.Time) {
	b.shown, b.drawn = now, true
	full := 0
	if total > 0 {
		full = min(barWidth*done/total, barWidth)
	}
	line := fmt.Sprintf("[%s%s] %s%s", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), b.step, left(done, total, now.Sub(b.stepBegan)))
	b.write("\r\x1b[K" + "zkkex: " + printable(line))
}

func (b *bar) write(text string) {
	b.a.stderr.Lock()
	defer b.a.stderr.Unlock()
	_, _ = io.WriteString(b.a.env.Stderr, text) // nobody is left to tell
}

// end removes the line from the terminal.
func (b *bar) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.drawn {
		b.drawn = false
		b.write("\r\x1b[K")
	}
}

// left says how much of a step is done, and how long the rest takes if it goes on as
// it began. Nothing is said of a step that has just begun, or is over.
func left(done, total int, took time.Duration) string {
	if total <= 0 || done <= 0 || done >= total || took < slow {
		return ""
	}
	rest := time.Duration(float64(took) * float64(total-done) / float64(done))
	return fmt.Sprintf(" %d %%, %v left", 100*done/total, rest.Round(time.Second))
}
