package demo

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/zkkex/zkkex"
)

// width is how many columns the story takes at most.
const width = 92

// story is told to a person as it happens, or to a program at its end.
type story struct {
	out      io.Writer
	progress io.Writer // nil for none
	live     bool      // progress is a terminal, whose last line can be replaced
	json     io.Writer // nil for a person
	colour   bool
	err      error // the first of out
	report   report
	act      int
	gapped   bool // the last line is empty
}

func newStory(o *Options) *story {
	s := &story{out: o.Out, progress: o.Progress, live: o.Live, colour: o.Colour, report: report{
		Format: reportFormat, Parameters: "dev", Circuit: circuit.String(), Machine: thisMachine(),
	}}
	if o.JSON {
		s.out, s.json = io.Discard, o.Out
	}
	s.printf("%s\n\n", s.paint(bold, "Orders from traders that the venue cannot name"))
	s.text("Everybody below runs in this one process, with a folder of their own, and all they share is what goes over sockets. Nothing is simulated: these are the keys, proofs, channels and journals that zkkex makes anywhere.")
	return s
}

// The colours of a terminal.
const (
	bold  = "1"
	green = "32"
	red   = "31"
	faint = "2"
)

// paint colours a text, on a terminal.
func (s *story) paint(colour, msg string) string {
	if !s.colour {
		return msg
	}
	return "\x1b[" + colour + "m" + msg + "\x1b[0m"
}

func (s *story) printf(msg string, args ...any) {
	if s.err == nil {
		_, s.err = fmt.Fprintf(s.out, msg, args...)
	}
}

// title begins an act.
func (s *story) title(msg string) {
	s.act++
	s.gap()
	s.printf("%s\n\n", s.paint(bold, fmt.Sprintf("%d. %s", s.act, msg)))
}

func (s *story) line(msg string, args ...any) {
	s.printf("   "+msg+"\n", args...)
	s.gapped = false
}

// gap is an empty line, unless there is one.
func (s *story) gap() {
	if !s.gapped {
		s.printf("\n")
	}
	s.gapped = true
}

// text is a paragraph.
func (s *story) text(msg string, args ...any) {
	for _, line := range wrap(fmt.Sprintf(msg, args...), width-3) {
		s.line("%s", line)
	}
	s.gap()
}

// fact is a line with a name before it.
func (s *story) fact(name, msg string, args ...any) {
	s.line("  %-12s %s", name, fmt.Sprintf(msg, args...))
}

// event is something that happens, and who does it.
func (s *story) event(who, msg string, args ...any) {
	const first = 12
	for i, line := range wrap(fmt.Sprintf(msg, args...), width-3-first) {
		if i > 0 {
			who = ""
		}
		s.line("%-*s%s", first, who, line)
	}
}

// timed runs a step, and records and tells how long it took.
func (s *story) timed(step string, f func() error) error {
	start := time.Now()
	done := s.waiting(step, start)
	err := f()
	done()
	if err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	took := time.Since(start)
	s.report.Timings = append(s.report.Timings, timing{step, took.Seconds()})
	s.line("%-*s %s", width-14, step, s.paint(faint, fmt.Sprintf("%8s", rounded(took))))
	return nil
}

// waiting tells what lasts longer than a second, again and again, until the function
// that it returns is called.
func (s *story) waiting(step string, start time.Time) (done func()) {
	if s.progress == nil {
		return func() {}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		begin, end, next := "", "\n", 5*time.Second
		if s.live {
			begin, end, next = "\r", "\x1b[K", time.Second
			defer fmt.Fprint(s.progress, begin+end)
		}
		for pause := time.Second; ; pause = next {
			select {
			case <-stop:
				return
			case <-time.After(pause):
				fmt.Fprintf(s.progress, "%s   ... %s (%d s)%s", begin, step, int(time.Since(start).Seconds()), end)
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
	}
}

// rounded is a time with as many digits as a person wants.
func rounded(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d >= time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%d us", d.Microseconds())
}

func (s *story) accepted(msg string, args ...any) {
	text := fmt.Sprintf(msg, args...)
	s.report.Accepted = append(s.report.Accepted, text)
	for i, line := range wrap(text, width-3-10) {
		mark := s.paint(green, "ok")
		if i > 0 {
			mark = "  "
		}
		s.line("%s        %s", mark, line)
	}
}

// refused checks that a venue said no to a member, for one reason.
func (s *story) refused(attempt string, want zkkex.Reason, got error) error {
	var reject *zkkex.RejectError
	if !errors.As(got, &reject) || reject.Reason != want {
		return unexpected(attempt, string(want), got)
	}
	s.refusal(refusal{attempt, "venue", string(want), 0, reject.Error()})
	return nil
}

// refusedBy checks that somebody said no, with an error wrapping want.
func (s *story) refusedBy(attempt, by string, want error, reason string, got error) error {
	if !errors.Is(got, want) {
		return unexpected(attempt, reason, got)
	}
	s.refusal(refusal{attempt, by, reason, 0, got.Error()})
	return nil
}

func unexpected(attempt, want string, got error) error {
	if got == nil {
		return fmt.Errorf("%w: %s: expected a refusal with %s, and it was accepted", ErrUnexpected, attempt, want)
	}
	return fmt.Errorf("%w: %s: expected a refusal with %s, got: %w", ErrUnexpected, attempt, want, got)
}

func (s *story) refusal(r refusal) {
	s.report.Refusals = append(s.report.Refusals, r)
	reason := r.Reason
	if r.FIX != 0 {
		reason += fmt.Sprintf(" (FIX %d)", r.FIX)
	}
	s.line("%s   %-53s %s", s.paint(red, "refused"), r.Attempt, reason)
}

// finish writes the end, or the report. kept is the folder that stays, if one does.
func (s *story) finish(kept string) error {
	s.report.OK = true
	if s.json != nil {
		e := json.NewEncoder(s.json)
		e.SetIndent("", "  ")
		return e.Encode(s.report)
	}
	s.gap()
	s.printf("%s\n", s.paint(bold, fmt.Sprintf("Everything came out as it must: %d things done, %d refused, each for its one reason.",
		len(s.report.Accepted), len(s.report.Refusals))))
	if kept != "" {
		s.printf("Everybody's folders are in %s.\n", kept)
	}
	return s.err
}

// wrap breaks a text at spaces into lines of at most so many characters.
func wrap(text string, most int) []string {
	var lines []string
	var line string
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > most {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// short is the beginning of a value, for a person's eyes.
func short(v []byte) string { return hex.EncodeToString(v[:6]) + "..." }

// grouped is a number with a comma before every three digits.
func grouped[T int | uint64](n T) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
