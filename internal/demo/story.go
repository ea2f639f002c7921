package demo

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/zkkex/zkkex"
)

// reportFormat names the JSON form. Field names are stable.
const reportFormat = "zkkex/v1 demo"

// report is the story for programs.
type report struct {
	Format string `json:"format"`
	// OK says that everything came out as it must; there is no report
	// otherwise.
	OK bool `json:"ok"`
	// Parameters is the kind of the parameters.
	Parameters   string    `json:"parameters"`
	Circuit      string    `json:"circuit"`
	Members      uint64    `json:"members"`
	Presentation shown     `json:"presentation"`
	Accepted     []string  `json:"accepted"`
	Refusals     []refusal `json:"refusals"`
	Timings      []timing  `json:"timings"`
}

// shown is what the verifier saw.
type shown struct {
	Bytes         int    `json:"bytes"`
	Circuit       string `json:"circuit"`
	Params        string `json:"params"`
	Registry      string `json:"registry"`
	RootSequence  uint64 `json:"root_sequence"`
	Root          string `json:"root"`
	Scope         string `json:"scope"`
	Epoch         uint64 `json:"epoch"`
	Limit         uint32 `json:"limit"`
	Nullifier     string `json:"nullifier"`
	Authorization string `json:"authorization"`
	Binding       string `json:"binding"`
	Proof         string `json:"proof"`
}

// refusal is something that was refused, as it must be.
type refusal struct {
	Attempt string `json:"attempt"`
	// By is "verifier" or "prover".
	By string `json:"by"`
	// Reason is the expected reason, which is the one that was given.
	Reason string `json:"reason"`
	Detail string `json:"detail"`
}

// timing is what a step took, in wall time.
type timing struct {
	Step    string  `json:"step"`
	Seconds float64 `json:"seconds"`
}

// story is told to a person as it happens, or to a program at its end.
type story struct {
	text   io.Writer
	json   io.Writer // nil for a person
	err    error     // the first of text
	report report
	scene  int
}

func newStory(o *Options) *story {
	s := &story{text: o.Out, report: report{
		Format: reportFormat, Parameters: "dev", Circuit: circuit.String(),
	}}
	if o.JSON {
		s.text, s.json = io.Discard, o.Out
	}
	s.printf("Anonymous key ownership, from an empty folder to a decision. Everybody below\n")
	s.printf("has a folder of its own, and all they share is what is sent.\n\n")
	return s
}

func (s *story) printf(msg string, args ...any) {
	if s.err == nil {
		_, s.err = fmt.Fprintf(s.text, msg, args...)
	}
}

// title begins a scene.
func (s *story) title(msg string) {
	if s.scene++; s.scene > 1 {
		s.printf("\n")
	}
	s.printf("%d. %s\n\n", s.scene, msg)
}

func (s *story) line(msg string, args ...any) { s.printf("   "+msg+"\n", args...) }

// fact is a line with a name before it.
func (s *story) fact(name, msg string, args ...any) {
	s.printf("     %-14s %s\n", name, fmt.Sprintf(msg, args...))
}

// timed runs a step and records how long it took.
func (s *story) timed(step string, f func() error) error {
	start := time.Now()
	if err := f(); err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	s.report.Timings = append(s.report.Timings, timing{step, time.Since(start).Seconds()})
	return nil
}

func (s *story) accepted(msg string, args ...any) {
	text := fmt.Sprintf(msg, args...)
	s.report.Accepted = append(s.report.Accepted, text)
	s.printf("   ACCEPTED  %s\n", text)
}

// refused checks that a verifier said no, for one reason.
func (s *story) refused(attempt string, want zkkex.Reason, got error) error {
	var reject *zkkex.RejectError
	if !errors.As(got, &reject) || reject.Reason != want {
		return unexpected(attempt, string(want), got)
	}
	s.refusal(refusal{attempt, "verifier", string(want), reject.Detail})
	return nil
}

// refusedBy checks that somebody else said no, with an error wrapping want.
func (s *story) refusedBy(attempt, by string, want error, reason string, got error) error {
	if !errors.Is(got, want) {
		return unexpected(attempt, reason, got)
	}
	s.refusal(refusal{attempt, by, reason, got.Error()})
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
	s.printf("   refused   %-52s %s\n", r.Attempt, r.Reason)
}

// presentation shows what a verifier sees.
func (s *story) presentation(p *zkkex.Presentation) {
	text, _ := p.MarshalText() // never fails
	st := &p.Statement
	s.report.Presentation = shown{
		Bytes: len(text), Circuit: st.Circuit.String(), Params: p.Params.String(), Registry: p.Registry.String(),
		RootSequence: p.RootSequence, Root: st.Root.String(), Scope: st.Scope.String(), Epoch: p.Epoch.Number,
		Limit: st.Limit, Nullifier: st.Nullifier.String(), Binding: st.Binding.String(),
		Authorization: fmt.Sprintf("%v %x", p.Authorization.Kind, p.Authorization.Value), Proof: hex.EncodeToString(p.Proof),
	}
	s.fact("circuit", "%v, with development parameters %s", st.Circuit, short(p.Params))
	s.fact("registry", "%s, root %s of operation %d", short(p.Registry), short(st.Root), p.RootSequence)
	s.fact("scope", "%s, in epoch %d", short(st.Scope), p.Epoch.Number)
	s.fact("nullifier", "%s, one of %d that this member has here", short(st.Nullifier), st.Limit)
	s.fact("authorises", "the %v with digest %s", p.Authorization.Kind, short(p.Authorization.Value))
	s.fact("proof", "%d bytes, %s", len(p.Proof), short([32]byte(p.Proof)))
}

// finish writes the timings, or the report. kept is the folder that stays, if
// one does.
func (s *story) finish(kept string) error {
	s.report.OK = true
	if s.json != nil {
		e := json.NewEncoder(s.json)
		e.SetIndent("", "  ")
		return e.Encode(s.report)
	}
	s.title("How long it took, here")
	for _, t := range s.report.Timings {
		s.printf("   %-52s %s\n", t.Step, time.Duration(t.Seconds*float64(time.Second)).Round(100*time.Microsecond))
	}
	s.printf("\n   Everything came out as it must: %d accepted, %d refused.\n", len(s.report.Accepted), len(s.report.Refusals))
	if kept != "" {
		s.printf("   Everybody's folders are in %s.\n", kept)
	}
	return s.err
}

// short is the beginning of a value, for a person's eyes.
func short[T ~[32]byte](v T) string {
	return hex.EncodeToString(v[:6]) + "..."
}
