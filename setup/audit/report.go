package audit

import (
	"fmt"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/strictjson"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/params"
)

// ReportFormat is the format of a report as JSON.
const ReportFormat = "zkkex/v1 audit"

// Outcome is what came of a check.
type Outcome string

// Outcomes of a check.
const (
	// Passed: what was checked holds.
	Passed Outcome = "passed"
	// Failed: it does not.
	Failed Outcome = "failed"
	// NotRun: the check had no meaning, since another one had failed or something
	// that it needs is not there. The detail says what.
	NotRun Outcome = "not run"
)

// Verdict is what came of all checks.
type Verdict string

// Verdicts.
const (
	// Sound: every check passed. Who can forge nevertheless is another question;
	// [Report.Trust] has the answer.
	Sound Verdict = "sound"
	// Refused: a check failed. Do not use the set.
	Refused Verdict = "refused"
	// Incomplete: no check failed, and some could not run. Nothing is known about
	// what they are for.
	Incomplete Verdict = "incomplete"
)

// Report is what is known about a parameter set after an audit.
type Report struct {
	// Format is [ReportFormat].
	Format string `json:"format"`
	// Verdict sums up the checks.
	Verdict Verdict `json:"verdict"`
	// Params is the digest of the set, to be published and pinned; empty if the
	// manifest could not be read.
	Params string `json:"params_digest,omitempty"`
	// Kind is what the set says it is.
	Kind params.Kind `json:"kind,omitempty"`
	// Circuit is the circuit that the set says it is for.
	Circuit *params.Circuit `json:"circuit,omitempty"`
	// Contributions are the files of the ceremony in their order, beacons included.
	Contributions []Contribution `json:"contributions"`
	// Imported describes a first phase that was made elsewhere.
	Imported *Imported `json:"imported,omitempty"`
	// Trust says who could cheat, and how.
	Trust Trust `json:"trust"`
	// Checks are all checks in the order in which they ran.
	Checks []Check `json:"checks"`
}

// Check is one check and what came of it.
type Check struct {
	// Name is the name of the check: docs/spec/setup-verify.md has its meaning.
	Name string `json:"name"`
	// File is the file that was checked.
	File string `json:"file"`
	// Contributor made the file, if it is a contribution.
	Contributor string `json:"contributor,omitempty"`
	// Outcome is what came of it.
	Outcome Outcome `json:"outcome"`
	// Detail says what was expected and what was found, or why it did not run.
	Detail string `json:"detail,omitempty"`
	// Err is the cause of a failure, or nil.
	Err error `json:"-"`
}

// String returns the check in one line.
func (c Check) String() string {
	s := c.File
	if c.Contributor != "" {
		s += fmt.Sprintf(" by %q", c.Contributor)
	}
	s += fmt.Sprintf(": %s: %s", c.Name, c.Outcome)
	if c.Detail != "" {
		s += ": " + c.Detail
	}
	return s
}

// Contribution is one file of a ceremony.
type Contribution struct {
	// File is its name in the transcript, and Digest what its maker published.
	File   string        `json:"file"`
	Digest params.Digest `json:"digest"`
	// Phase is 1 or 2.
	Phase int `json:"phase"`
	// Contributor is who made it, as they call themselves, or the source of a
	// beacon. A name is a claim.
	Contributor string `json:"contributor"`
	// Beacon is whether it is a public value, which keeps nothing secret.
	Beacon bool `json:"beacon"`
	// Value is the value of a beacon in hexadecimal digits, or empty.
	Value string `json:"value,omitempty"`
	// Created is when, as its maker says.
	Created time.Time `json:"created"`
	// Key is the SSH key that signed it, or empty. A valid signature shows that
	// the holder of the key made it, not who that is.
	Key string `json:"key,omitempty"`
	// Signer is whom the list of allowed signers names for the key, or empty.
	Signer string `json:"signer,omitempty"`
}

// Imported describes a first phase that was made elsewhere.
type Imported struct {
	// Source says where the file is from.
	Source string `json:"source"`
	// File is the size and digest of the powers-of-tau file, which may be compared with
	// what its ceremony published. Unless Compared, both are claims.
	File params.File `json:"file"`
	// Compared is whether powers and contributions were compared with that file here.
	Compared bool `json:"compared"`
	// Verified is whether the contributions led to the powers, by secrets that their
	// makers knew.
	Verified bool `json:"verified"`
	// Contributions are the contributions in their order, beacons included.
	Contributions []ceremony.ImportedContribution `json:"contributions"`
}

// Sound reports whether every check passed.
func (r *Report) Sound() bool { return r.Verdict == Sound }

// Failures returns the checks that failed.
func (r *Report) Failures() []Check {
	var failed []Check
	for _, check := range r.Checks {
		if check.Outcome == Failed {
			failed = append(failed, check)
		}
	}
	return failed
}

// Err returns nil for a sound set, and otherwise an error that names the first
// check that failed, or else the first that could not run. It wraps
// [zkkex.ErrRejected].
func (r *Report) Err() error {
	for _, outcome := range []Outcome{Failed, NotRun} {
		for _, check := range r.Checks {
			if check.Outcome == outcome {
				return &CheckError{Check: check}
			}
		}
	}
	return nil
}

// CheckError is a check that did not pass. It matches [zkkex.ErrRejected] and
// unwraps to the cause.
type CheckError struct{ Check Check }

// Error returns the check in one line.
func (e *CheckError) Error() string { return e.Check.String() }

// Is reports whether target is [zkkex.ErrRejected].
func (e *CheckError) Is(target error) bool { return target == zkkex.ErrRejected }

// Unwrap returns the cause of a failure.
func (e *CheckError) Unwrap() error { return e.Check.Err }

// JSON returns the report as docs/spec/setup-verify.md has it.
func (r *Report) JSON() []byte { return strictjson.Encode(r) }

// conclude sets the verdict.
func (r *Report) conclude() {
	r.Verdict = Sound
	for _, check := range r.Checks {
		switch {
		case check.Outcome == Failed:
			r.Verdict = Refused
			return
		case check.Outcome == NotRun:
			r.Verdict = Incomplete
		}
	}
}
