package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/member"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/slots"
)

func (a *app) doctorCommand() *cobra.Command {
	var o doctorOptions
	c := &cobra.Command{
		Use:     "doctor",
		GroupID: groupOther,
		Short:   "check a state directory, its registries and the parameters",
		Long: `Doctor checks the state directory (modes, key, count of slots), every registry
that is recorded (reachable, consistent with everything seen before, age of the
checkpoint, clock, witnesses, your leaf), and the parameters. For each it says
what to do. It exits with 1 if something is wrong; warnings alone are 0.

"zkkex doctor explain REASON" says what a reason for a rejection means.`,
		Example: `  zkkex doctor
  zkkex doctor --offline --json
  zkkex doctor explain slot_used`,
		Args: cobra.ArbitraryArgs,
	}
	c.Flags().BoolVar(&o.offline, "offline", false, "ask no registry")
	c.Flags().StringVar(&o.params, "params", devParams, "check these parameters: the folder `DIR`, or dev")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return a.group(cmd, args)
		}
		return a.run(func(ctx context.Context, _ []string) (result, error) { return a.doctor(ctx, &o) })(cmd, args)
	}
	c.AddCommand(explainCommand(a))
	return c
}

type doctorOptions struct {
	offline bool
	params  string
}

// finding is what came out of one check: "ok", "warning" or "wrong".
type finding struct {
	Check  string `json:"check"`
	Result string `json:"result"`
	Detail string `json:"detail"`
	Do     string `json:"do,omitempty"`
}

// doctorResult is what was found.
type doctorResult struct {
	Healthy  bool      `json:"healthy"`
	Findings []finding `json:"findings"`
}

func (r *doctorResult) ok(check, detail string, args ...any) {
	r.Findings = append(r.Findings, finding{Check: check, Result: "ok", Detail: fmt.Sprintf(detail, args...)})
}

func (r *doctorResult) warn(check, do, detail string, args ...any) {
	r.Findings = append(r.Findings, finding{check, "warning", fmt.Sprintf(detail, args...), do})
}

func (r *doctorResult) wrong(check string, err error) {
	r.Healthy = false
	r.Findings = append(r.Findings, finding{check, "wrong", err.Error(), hintOf(err)})
}

// errUnhealthy reports that doctor found something wrong.
var errUnhealthy = errors.New("something is wrong, see above")

func (a *app) doctor(ctx context.Context, o *doctorOptions) (result, error) {
	r := &doctorResult{Healthy: true}
	dir, err := a.homeDir()
	if err != nil {
		return nil, err
	}
	checkHome(r, dir)
	checkSetup(r, o.params)
	_, err = a.withMember(ctx, nil, func(m *member.Member) (result, error) {
		a.checkMember(ctx, r, m, dir, o.offline)
		return nil, nil
	})
	if err != nil {
		r.wrong("key", err)
	}
	if !r.Healthy {
		return r, errUnhealthy
	}
	return r, nil
}

func checkHome(r *doctorResult, dir string) {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		r.wrong("home", fmt.Errorf("%s: %w", dir, member.ErrNoKey))
		return
	}
	if err != nil {
		r.wrong("home", err)
		return
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		r.warn("home", "chmod 700 "+dir, "%s has mode %04o: others see which registries you are in", dir, mode)
		return
	}
	r.ok("home", "%s", dir)
}

func checkSetup(r *doctorResult, which string) {
	f := &paramsFlags{which: which}
	sets, err := f.admitting()
	if err != nil {
		r.wrong("params", err)
		return
	}
	for _, set := range sets {
		r.ok("params", "%v, digest %v", set.Circuit(), set.Digest())
	}
	if which == devParams {
		r.warn("params", "use a set from a ceremony where it counts", "development parameters: whoever made them could forge any proof")
	}
}

func (a *app) checkMember(ctx context.Context, r *doctorResult, m *member.Member, dir string, offline bool) {
	if m.Encrypted() {
		r.ok("key", "encrypted, commitment %v", m.Public().Commitment())
	} else {
		r.warn("key", "zkkex backup, then zkkex restore into a new directory, gives it a passphrase", "the key file is not encrypted")
	}
	checkSlots(r, m)
	if len(m.Registries()) == 0 {
		r.warn("registry", "zkkex enroll", "no registry is recorded")
	}
	for _, known := range m.Registries() {
		id, err := known.ID()
		if err != nil {
			r.wrong("registry", err)
			continue
		}
		a.checkRegistry(ctx, r, m, id, offline)
		checkEvidence(r, filepath.Join(dir, "registries", id.String(), "evidence"))
	}
}

func checkSlots(r *doctorResult, m *member.Member) {
	info, err := m.Slots()
	if err != nil {
		r.wrong("slots", err)
		return
	}
	detail := fmt.Sprintf("readable, scopes in use: %d", info.Scopes)
	if info.Range != (slots.Range{}) {
		detail += fmt.Sprintf(", range %v", info.Range)
	}
	if !info.Recovered.IsZero() {
		detail += ", recovered " + info.Recovered.Format(time.RFC3339)
	}
	r.ok("slots", "%s", detail)
}

func (a *app) checkRegistry(ctx context.Context, r *doctorResult, m *member.Member, id zkkex.RegistryID, offline bool) {
	s, err := m.Status(id)
	if err != nil {
		r.wrong("registry", err)
		return
	}
	name := s.Registry.Name()
	if !offline {
		done := a.progress("syncing %s", name)
		report, err := m.Sync(ctx, id)
		done()
		if err != nil {
			r.wrong("registry", fmt.Errorf("%s: %w", name, err))
			return
		}
		r.ok("registry", "%s: reachable, checkpoint %d extends everything seen before", name, report.Checkpoint.Sequence)
		if s, err = m.Status(id); err != nil {
			r.wrong("registry", err)
			return
		}
	}
	a.checkCheckpoint(r, s)
	checkLeaf(r, s)
}

func (a *app) checkCheckpoint(r *doctorResult, s *member.Status) {
	if s.Checkpoint == nil {
		r.warn("checkpoint", "zkkex sync", "%s: no checkpoint yet", s.Registry.Name())
		return
	}
	if ahead := s.Checkpoint.Time.Sub(a.env.Now()); ahead > time.Second {
		r.warn("clock", "set this machine's clock", "it is %v behind a checkpoint that is signed already", ahead.Round(time.Second))
	} else {
		r.ok("clock", "not behind the newest checkpoint")
	}
	if s.Age > registry.DefaultMaxAge {
		r.warn("checkpoint", "zkkex sync; if that does not help, the registrar, or something in between, holds newer ones back",
			"the newest is %v old", s.Age.Round(time.Minute))
	} else {
		r.ok("checkpoint", "%d, %v old", s.Checkpoint.Sequence, s.Age.Round(time.Second))
	}
	if s.Registry.Quorum == 0 {
		r.warn("witnesses", "zkkex trust --witness KEY, if the registry has witnesses",
			"none are demanded: a registrar that shows everybody another history is found out only when two compare")
	} else {
		r.ok("witnesses", "%d of %d must cosign", s.Registry.Quorum, len(s.Registry.Witnesses))
	}
}

func checkLeaf(r *doctorResult, s *member.Status) {
	switch {
	case s.Admitted && s.Members < 2:
		r.warn("members", "wait for more members", "you are the only one: a proof says who you are")
	case s.Admitted:
		r.ok("members", "your leaf is live at index %d, one of %d", s.Index, s.Members)
	case s.Pending():
		r.warn("members", "zkkex enroll --wait", "your enrolment is pending")
	case s.Revoked != nil:
		r.warn("members", "ask the registrar", "your leaf was revoked in %s, by operation %d", s.Registry.Name(), s.Revoked.Operation)
	default:
		r.warn("members", "zkkex enroll", "your leaf is not in %s", s.Registry.Name())
	}
}

// checkEvidence looks for signed notes that show a registrar's fault.
func checkEvidence(r *doctorResult, dir string) {
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		r.wrong("evidence", withHint(fmt.Errorf("a registrar's fault is on record in %s", dir), "do not use this registry; publish the evidence"))
	}
}

func (r *doctorResult) text() string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%-7s  %-10s  %s\n", f.Result, f.Check, f.Detail)
		if f.Do != "" {
			fmt.Fprintf(&b, "%-7s  %-10s  %s\n", "", "", "-> "+f.Do)
		}
	}
	return b.String()
}
