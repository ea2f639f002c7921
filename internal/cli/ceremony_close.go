package cli

import (
	"context"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/ceremony/sshsig"
)

func (a *app) ceremonyBeaconCommand() *cobra.Command {
	var source, value string
	var again bool
	c := &cobra.Command{
		Use:   "beacon DIR",
		Short: "close a phase with a public value",
		Long: `Beacon closes the phase under way with a value that nobody could know before
the last contribution was published: the randomness of a drand round, say, that
was announced. Everybody gets the same result from it, so anyone can run this.
It adds no secret: at least one contribution must come before it.`,
		Example: `  zkkex setup ceremony beacon ceremony --source "drand quicknet, round 24000000" \
      --value 5c1b5a2ea8ffd1f6b4e0a1c3ac0a9f7c2f4a4a7e1c7d0e6b9f83d2516c0b7a94`,
		Args:              arguments(1, 1, "the folder DIR"),
		ValidArgsFunction: firstFolder,
	}
	c.Flags().StringVar(&source, "source", "", "say where everybody finds the value: `TEXT`, the one that was announced")
	c.Flags().StringVar(&value, "value", "", "the value, 16 to 256 bytes in hexadecimal digits `HEX`")
	c.Flags().BoolVar(&again, "again", false, "check also what this machine has checked before")
	c.RunE = a.run(func(ctx context.Context, args []string) (result, error) {
		return a.ceremonyBeacon(ctx, args[0], source, value, again)
	})
	return c
}

func (a *app) ceremonyBeacon(ctx context.Context, dir, source, value string, again bool) (result, error) {
	if source == "" || value == "" {
		return nil, usagef("name the beacon with --source TEXT and --value HEX")
	}
	decoded, err := hex.DecodeString(strings.ToLower(value))
	if err != nil || len(decoded) < ceremony.MinBeaconSize || len(decoded) > ceremony.MaxBeaconSize {
		return nil, usagef("--value: expected %d to %d bytes in hexadecimal digits, got %.80q", ceremony.MinBeaconSize, ceremony.MaxBeaconSize, value)
	}
	c, err := openCeremony(dir, again)
	if err != nil {
		return nil, err
	}
	report, end := a.bar()
	defer end()
	receipt, err := c.Beacon(ctx, source, decoded, report)
	if err != nil {
		return nil, explainStep(dir, c, err)
	}
	end()
	if now, err := ceremony.Open(dir); err == nil {
		s := now.Status()
		a.notef("next: %s", nextStep(dir, &s))
	}
	return &receiptResult{Dir: dir, Number: receipt.Number, Phase: receipt.Phase, File: receipt.File, Digest: receipt.Digest.String()}, nil
}

// signersUsage describes --signers.
const signersUsage = "demand that signatures are by the keys in `FILE`, lines of NAME ssh-ed25519 KEY"

func (a *app) ceremonyVerifyCommand() *cobra.Command {
	var signers string
	var again bool
	c := &cobra.Command{
		Use:   "verify DIR",
		Short: "check every contribution so far, from the files alone",
		Long: `Verify checks the form, order, digests and signatures of all files, that each
contribution follows from the one before by secrets that its maker knew, and
that the circuit is the one that this program compiles. It needs nobody's word.

What this machine has checked before is not checked again, unless told --again.
A sealed parameter set is checked by "zkkex setup verify".`,
		Example: `  zkkex setup ceremony verify ceremony
  zkkex setup ceremony verify ceremony --signers signers --again`,
		Args:              arguments(1, 1, "the folder DIR"),
		ValidArgsFunction: firstFolder,
	}
	c.Flags().StringVar(&signers, "signers", "", signersUsage)
	c.Flags().BoolVar(&again, "again", false, "check also what this machine has checked before")
	c.RunE = a.run(func(ctx context.Context, args []string) (result, error) {
		return a.ceremonyVerify(ctx, args[0], signers, again)
	})
	return c
}

func (a *app) ceremonyVerify(ctx context.Context, dir, signers string, again bool) (result, error) {
	allowed, err := a.readSigners(signers)
	if err != nil {
		return nil, err
	}
	c, err := openCeremony(dir, again)
	if err != nil {
		return nil, err
	}
	r := newCeremonyResult(dir, c)
	if err := r.nameSigners(allowed); err != nil {
		return nil, err
	}
	report, end := a.bar()
	defer end()
	if _, err := c.Verify(ctx, report); err != nil {
		return nil, err
	}
	r.Verified = true
	return r, nil
}

func (a *app) readSigners(name string) (*sshsig.AllowedSigners, error) {
	if name == "" {
		return nil, nil
	}
	text, err := a.read(name, "list of signers", sshsig.MaxAllowedSize)
	if err != nil {
		return nil, err
	}
	allowed, err := sshsig.ParseAllowedSigners(text)
	if err != nil {
		return nil, withHint(fmt.Errorf("%s: %w", name, err), "after a contributor's name comes the line of their .pub file, without its comment")
	}
	return allowed, nil
}

// nameSigners says whose key each signature is by, and refuses one that is nobody's.
func (r *ceremonyResult) nameSigners(allowed *sshsig.AllowedSigners) error {
	for _, f := range r.Files {
		if allowed == nil || f.Key == "" {
			continue
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(f.Key))
		if err != nil {
			return fmt.Errorf("%s: %w", f.File, err)
		}
		names := allowed.Principals(key)
		if len(names) == 0 {
			return withHint(fmt.Errorf("%s: %w: signed by %s as %q with a key that is not on the list of signers", f.File, zkkex.ErrRejected, f.Contributor, f.Key),
				"ask the contributor whether the key is theirs, and add it to the list if it is")
		}
		f.Signer = strings.Join(names, ", ")
	}
	return nil
}

func (a *app) ceremonySealCommand() *cobra.Command {
	var out string
	var again bool
	c := &cobra.Command{
		Use:   "seal DIR",
		Short: "write the parameter set that a ceremony made",
		Long: `Seal checks the ceremony and writes the parameters that it made to a new
folder: keys, manifest, and the transcript, which is everything that others
need to check them. Everyone who seals the same ceremony gets the same bytes.`,
		Example: `  zkkex setup ceremony seal ceremony --out params
  zkkex setup verify params`,
		Args:              arguments(1, 1, "the folder DIR"),
		ValidArgsFunction: firstFolder,
	}
	c.Flags().StringVar(&out, "out", "", "write the parameter set to the new folder `DIR`")
	c.Flags().BoolVar(&again, "again", false, "check also what this machine has checked before")
	c.RunE = a.run(func(ctx context.Context, args []string) (result, error) {
		return a.ceremonySeal(ctx, args[0], out, again)
	})
	return c
}

func (a *app) ceremonySeal(ctx context.Context, dir, out string, again bool) (result, error) {
	if out == "" {
		return nil, usagef("say where the parameters are written: --out DIR, a new folder")
	}
	if err := refuseExisting(out); err != nil {
		return nil, err
	}
	c, err := openCeremony(dir, again)
	if err != nil {
		return nil, err
	}
	report, end := a.bar()
	defer end()
	m, err := c.Seal(ctx, out, report)
	if s := c.Status(); err != nil && !s.Complete() {
		return nil, withHint(err, "what comes next: %s", nextStep(dir, &s))
	}
	if err != nil {
		return nil, explainStep(filepath.Dir(out), c, err)
	}
	end()
	digest, err := m.Digest()
	if err != nil {
		return nil, err
	}
	a.notef("publish the params digest: others check the set with zkkex setup verify %s, and pin it with --params-digest", shellWord(out))
	return &sealedResult{Out: out, Params: digest.String(), Circuit: m.Circuit.Name, Contributions: m.Ceremony.Contributions}, nil
}

// sealedResult is a parameter set that was written.
type sealedResult struct {
	Out           string `json:"out"`
	Params        string `json:"params_digest"`
	Circuit       string `json:"circuit"`
	Contributions int    `json:"contributions"`
}

func (r *sealedResult) text() string {
	var t table
	t.add("parameters", "%s, for %s", r.Out, r.Circuit)
	t.add("params digest", "%s", r.Params)
	return t.String()
}
