package anonymity

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// view is all that is there to be seen of what one member did: on the wire, at
// its own side as errors, in the venue's log and in the venue's files.
type view struct {
	tap    *tap
	errors []string
	log    string
	files  []byte // all of the venue's that are about sessions
}

// stamp is what a line of the log begins with.
var stamp = regexp.MustCompile(`(?m)^time=\S+ `)

// distinguishes says what tells two members apart who did the same, or returns
// "". Random bytes are compared by their place and number alone.
func distinguishes(a, b *view) string {
	if what := different("connection", shapes(a.tap), shapes(b.tap)); what != "" {
		return what
	}
	if what := different("refusal", a.errors, b.errors); what != "" {
		return what
	}
	if what := different("line of the log", a.lines(), b.lines()); what != "" {
		return what
	}
	if a.tap.beside() || b.tap.beside() {
		return "two handshakes of one member at the same time"
	}
	return ""
}

// lines are those of the log, without times and sorted: a handshake that was refused is written down
// when the member has gone on already.
func (v *view) lines() []string {
	return slices.Sorted(strings.Lines(stamp.ReplaceAllString(v.log, "")))
}

// names says what of a member is in what there is to be seen, or returns "". What
// members fetch holds all members' leaves.
func (v *view) names(id *identity) string {
	for _, place := range []struct {
		name  string
		bytes []byte
	}{
		{"the venue's log", []byte(v.log)},
		{"the venue's files", v.files},
		{"a refusal", []byte(strings.Join(v.errors, "\n"))},
		{"what is sent", v.tap.sent()},
	} {
		if what := id.found(place.bytes); what != "" {
			return fmt.Sprintf("%s holds a member's %s", place.name, what)
		}
	}
	return ""
}

// unpaced is the view without what only the pace of a machine decides, on
// connections where nobody waits until the keys are confirmed: an empty record,
// and in which order the directions come.
func (v *view) unpaced() *view {
	out := *v
	out.tap = &tap{places: v.tap.places}
	for _, c := range v.tap.conns {
		paced := *c
		paced.unpaced = true
		out.tap.conns = append(out.tap.conns, &paced)
	}
	return &out
}

func (p *tap) sent() (out []byte) {
	for _, c := range p.conns {
		out = append(out, c.stream(true)...)
	}
	return out
}

func shapes(p *tap) (out []string) {
	for _, c := range p.conns {
		out = append(out, c.shape())
	}
	return out
}

func different(what string, a, b []string) string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("%s %d differs:\n%s\n%s", what, i, a[i], b[i])
		}
	}
	if len(a) != len(b) {
		return fmt.Sprintf("%s: %d against %d", what, len(a), len(b))
	}
	return ""
}

// journal is a log that is read piece by piece.
type journal struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buffer.Write(b)
}

// take returns what was written since the last call.
func (j *journal) take() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := j.buffer.String()
	j.buffer.Reset()
	return out
}
