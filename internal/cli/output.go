package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// result is what a command was asked for. Its JSON form is the one of
// encoding/json.
type result interface {
	// text returns the form for people, lines ended by newlines.
	text() string
}

// artefact is a result that is one of our files: it is printed as it is.
type artefact interface {
	result
	artefact()
}

// unprinted is a result that says what is lost where it cannot be printed.
type unprinted interface {
	unprinted(err error) error
}

// jsonError is the form of an error in JSON output.
type jsonError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// emit prints the result, or the error, or both where a no comes with details.
func (a *app) emit(r result, err error) error {
	if r == nil && err == nil {
		return nil
	}
	if a.json {
		return a.emitJSON(r, err)
	}
	text := r.text()
	if _, ok := r.(artefact); !ok {
		text = printable(text)
	}
	_, err = io.WriteString(a.env.Stdout, text)
	return err
}

// emitJSON prints one object: the result's, and in it the error, if there is
// one.
func (a *app) emitJSON(r result, err error) error {
	if err == nil {
		return writeJSON(a.env.Stdout, r)
	}
	object := map[string]any{}
	if r != nil {
		text, err := json.Marshal(r)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, &object); err != nil {
			return err
		}
	}
	object["error"] = jsonError{Code: codeOf(err), Message: printable(err.Error()), Hint: hintOf(err)}
	return writeJSON(a.env.Stdout, object)
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// explain prints an error and its hint to the person.
func (a *app) explain(err error) {
	if errors.Is(err, context.Canceled) {
		said := "interrupted"
		if errors.As(err, new(*slotLostError)) {
			said += slotLost
		}
		a.say("error", said)
	} else {
		a.say("error", err.Error())
	}
	if hint := hintOf(err); hint != "" {
		a.say("hint", hint)
	}
}

// warnf tells of something dangerous, also with --quiet.
func (a *app) warnf(msg string, args ...any) { a.say("warning", fmt.Sprintf(msg, args...)) }

// notef tells of progress, or of what comes next.
func (a *app) notef(msg string, args ...any) {
	if !a.quiet {
		a.say("", fmt.Sprintf(msg, args...))
	}
}

// say prints lines to the person, each beginning with the program's name.
func (a *app) say(kind, text string) {
	prefix := "zkkex: "
	if kind != "" {
		prefix += kind + ": "
	}
	var b strings.Builder
	for line := range strings.Lines(printable(text)) {
		b.WriteString(prefix + strings.TrimRight(line, "\n") + "\n")
	}
	a.stderr.Lock()
	defer a.stderr.Unlock()
	_, _ = io.WriteString(a.env.Stderr, b.String()) // nobody is left to tell
}

// printable escapes control characters, which may come from files and servers
// and could move a terminal's cursor.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r != '\n' && !unicode.IsPrint(r) {
			fmt.Fprintf(&b, "\\u%04x", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// table is lines of a name and a value, the values aligned.
type table [][2]string

func (t *table) add(name, msg string, args ...any) {
	*t = append(*t, [2]string{name, fmt.Sprintf(msg, args...)})
}

func (t table) String() string {
	width := 0
	for _, row := range t {
		width = max(width, len(row[0]))
	}
	var b strings.Builder
	for _, row := range t {
		fmt.Fprintf(&b, "%-*s  %s\n", width, row[0], row[1])
	}
	return b.String()
}

// hinted is an error with the hint that mends it.
type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }

// withHint attaches a hint to an error. The result for nil is nil.
func withHint(err error, msg string, args ...any) error {
	if err == nil {
		return nil
	}
	return &hinted{err, fmt.Sprintf(msg, args...)}
}

func hintOf(err error) string {
	if errors.Is(err, errProxy) {
		return knownHint(err) // whatever was asked of whom: nobody was
	}
	var h *hinted
	if errors.As(err, &h) {
		return h.hint
	}
	var remote *controlError
	if errors.As(err, &remote) {
		return remote.Hint
	}
	return knownHint(err)
}
