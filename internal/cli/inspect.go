package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/enrolment"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/params"
)

// maxInspect bounds what is inspected, in bytes.
const maxInspect = 1 << 20

func (a *app) inspectCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "inspect FILE",
		GroupID: groupOther,
		Short:   "say what a file is, and what it says in the open",
		Long: `Inspect recognises the text formats of zkkex by their first line: key files and
backups (their public part alone), public keys, enrolment challenges and
requests, presentations, signed checkpoints, histories of checkpoints, parameter
manifests and verifier keys. It checks the format strictly, and says what is
wrong otherwise.

It decides nothing: no signature and no proof is checked.`,
		Example: `  zkkex inspect order.proof
  curl -s https://registry.example/checkpoint | zkkex inspect -`,
		Args: arguments(1, 1, "FILE"),
		RunE: a.run(func(_ context.Context, args []string) (result, error) {
			text, err := a.read(args[0], "file", maxInspect)
			if err != nil {
				return nil, err
			}
			return inspect(text)
		}),
	}
}

// inspectResult is a format, and what a text of it says.
type inspectResult struct {
	Format string `json:"format"`
	Fields any    `json:"fields"`

	table table
}

func (r *inspectResult) text() string {
	return table{{"format", r.Format}}.String() + "\n" + r.table.String()
}

// formats are the formats we know, by how their first line begins. The first match counts.
var formats = []struct {
	prefix  string
	inspect func(text []byte) (result, error)
}{
	{keys.BackupMagic + "\n", inspectKeyFile},
	{keys.FileMagic + "\n", inspectKeyFile},
	{keys.UnencryptedFileMagic + "\n", inspectKeyFile},
	{keys.PublicMagic + "\n", inspectPublicKey},
	{enrolment.RequestMagic + "\n", inspectRequest},
	{enrolment.ChallengeMagic + " ", inspectChallenge},
	{zkkex.PresentationMagic + "\n", inspectPresentation},
	{"zkkex/v1 checkpoints\n", inspectHistory},
	{"{", inspectJSON},
}

func inspect(text []byte) (result, error) {
	for _, k := range formats {
		if bytes.HasPrefix(text, []byte(k.prefix)) {
			return k.inspect(text)
		}
	}
	if bytes.Contains(text, []byte("\nzkkex-root ")) {
		return inspectCheckpoint(text)
	}
	if _, err := registry.NewVerifier(string(bytes.TrimSuffix(text, []byte("\n")))); err == nil {
		return inspectVerifierKey(string(bytes.TrimSuffix(text, []byte("\n"))))
	}
	return nil, unknownFormat(text)
}

// internalFormats begin files of ours that are not for showing: some are secret,
// others are only their program's.
var internalFormats = []string{
	"zkkex/v1 registrar signer", "zkkex/v1 registrar", "zkkex/v1 journal", "zkkex/v1 challenge key",
	"zkkex/v1 forgotten challenges", "zkkex/v1 enrolment outcome", "zkkex/v1 operations",
	ceremony.HeaderFormat, ceremony.DefinitionFormat,
	"zkkex/v1 slots", "zkkex/v1 spent", "zkkex/v1 member config", "zkkex/v1 record",
}

// internalFormat returns the format of a first line, if inspect does not show it.
func internalFormat(line string) (string, bool) {
	for _, format := range internalFormats {
		if line == format || strings.HasPrefix(line, format+" ") {
			return format, true
		}
	}
	return "", false
}

// maxShownLine bounds a first line that is quoted, in bytes.
const maxShownLine = 60

// ourLine reports whether a line can be quoted: of a file that is not ours,
// nothing is, for it may be a secret.
func ourLine(line []byte) bool {
	isShown := func(b byte) bool { return b >= ' ' && b <= '~' }
	return len(line) <= maxShownLine && bytes.HasPrefix(line, []byte("zkkex/")) &&
		!slices.ContainsFunc(bytes.TrimSuffix(line, []byte("\r")), func(b byte) bool { return !isShown(b) })
}

// unknownFormat names what is wrong with a text that begins like none of ours.
func unknownFormat(text []byte) error {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	err := &zkkex.ParseError{Format: "file", Err: errors.New("the first line begins no format of zkkex")}
	if ourLine(line) {
		err.Err = fmt.Errorf("the first line is %q, which begins no format of zkkex", line)
	}
	if format, ok := internalFormat(string(line)); ok {
		return notShown(format)
	}
	switch {
	case len(text) == 0:
		return &zkkex.ParseError{Format: "file", Err: errors.New("it is empty")}
	case bytes.HasSuffix(line, []byte("\r")):
		return withHint(err, "the lines end in CR LF; the formats of zkkex have LF alone")
	case bytes.HasPrefix(line, []byte("zkkex/v1 ")):
		return withHint(err, "the format may be of a newer version of zkkex")
	case bytes.HasPrefix(line, []byte("zkkex/")):
		return withHint(fmt.Errorf("%w: %w", zkkex.ErrUnsupported, err.Err), "this program reads zkkex/v1; use a newer one")
	case bytes.HasPrefix(bytes.TrimLeft(text, " \t\n\ufeff"), []byte("zkkex/")):
		return withHint(err, "remove what stands before \"zkkex/\"")
	}
	return err
}

func notShown(format string) error {
	switch format {
	case ceremony.HeaderFormat, ceremony.DefinitionFormat:
		return withHint(fmt.Errorf("%w: a file of %q is not one that inspect shows", zkkex.ErrUnsupported, format), "zkkex setup ceremony status DIR shows the ceremony that it is of")
	}
	return fmt.Errorf("%w: a file of %q is not one that inspect shows", zkkex.ErrUnsupported, format)
}

// inspectJSON looks at the format that an object names, before it is taken for
// one of ours.
func inspectJSON(text []byte) (result, error) {
	var named struct {
		Format string `json:"format"`
	}
	if err := json.Unmarshal(text, &named); err != nil || !strings.HasPrefix(named.Format, "zkkex/") {
		return nil, &zkkex.ParseError{Format: "file", Err: errors.New("it begins as a JSON object, and names no format of zkkex")}
	}
	if format, ok := internalFormat(named.Format); ok {
		return nil, notShown(format)
	}
	return inspectManifest(text)
}

func inspectKeyFile(text []byte) (result, error) {
	f, err := keys.ParseFile(text)
	if err != nil {
		return nil, err
	}
	public := newPublicResult(f.Public(), "")
	fields := struct {
		publicResult
		Encrypted bool       `json:"encrypted"`
		Created   time.Time  `json:"created"`
		Saved     *time.Time `json:"saved,omitempty"`
	}{*public, f.Encrypted(), f.Created(), nil}
	r := &inspectResult{Format: "key file", table: public.table()}
	r.table.add("created", "%s", f.Created().Format(time.RFC3339))
	if saved, ok := f.Backup(); ok {
		r.Format, fields.Saved = "key backup", &saved
		r.table.add("saved", "%s", saved.Format(time.RFC3339))
	}
	if f.Encrypted() {
		r.table.add("encrypted", "yes: the public part is not authenticated until the file is opened")
	} else {
		r.table.add("encrypted", "no: whoever reads this file has the key")
	}
	r.Fields = fields
	return r, nil
}

func inspectPublicKey(text []byte) (result, error) {
	p, err := keys.ParsePublicText(text)
	if err != nil {
		return nil, err
	}
	public := newPublicResult(p, "")
	return &inspectResult{Format: "public key", Fields: public, table: public.table()}, nil
}

func (r *publicResult) table() (t table) {
	t.add("key type", "%s", r.KeyType)
	t.add("public key", "%s", r.PublicKey)
	t.add("nullifier key hash", "%s", r.NullifierKeyHash)
	t.add("commitment", "%s", r.Commitment)
	return t
}

// challengeFields are the fields of a challenge, also in a request.
type challengeFields struct {
	Registry string    `json:"registry"`
	Nonce    string    `json:"nonce"`
	Expiry   time.Time `json:"expiry"`
}

func newChallengeFields(c enrolment.Challenge) challengeFields {
	return challengeFields{c.Registry.String(), hex.EncodeToString(c.Nonce[:]), time.Unix(c.Expiry, 0).UTC()}
}

func (c challengeFields) table() (t table) {
	t.add("registry", "%s", c.Registry)
	t.add("nonce", "%s", c.Nonce)
	t.add("expires", "%s", c.Expiry.Format(time.RFC3339))
	return t
}

func inspectChallenge(text []byte) (result, error) {
	c, err := enrolment.ParseChallenge(string(bytes.TrimSuffix(text, []byte("\n"))))
	if err != nil {
		return nil, err
	}
	fields := newChallengeFields(c)
	return &inspectResult{Format: "enrolment challenge", Fields: fields, table: fields.table()}, nil
}

func inspectRequest(text []byte) (result, error) {
	r, err := enrolment.ParseRequest(text)
	if err != nil {
		return nil, err
	}
	p, err := r.Public()
	if err != nil {
		return nil, err
	}
	public, challenge := newPublicResult(p, ""), newChallengeFields(r.Challenge)
	fields := struct {
		ID string `json:"id"`
		publicResult
		challengeFields
	}{fmt.Sprintf("%x", r.Digest()), *public, challenge}
	t := append(table{{"identifier", fields.ID}}, public.table()...)
	return &inspectResult{Format: "enrolment request", Fields: fields, table: append(t, challenge.table()...)}, nil
}

func inspectPresentation(text []byte) (result, error) {
	p, err := zkkex.ParsePresentationText(text)
	if err != nil {
		return nil, err
	}
	r, err := newPresentationResult(p)
	if err != nil {
		return nil, err
	}
	return &inspectResult{Format: "presentation", Fields: r, table: r.table()}, nil
}

// checkpointFields are the fields of a checkpoint.
type checkpointFields struct {
	Origin       string            `json:"origin"`
	Sequence     uint64            `json:"sequence"`
	LogRoot      string            `json:"log_root"`
	Root         string            `json:"root"`
	CapacityBits int               `json:"capacity_bits"`
	Time         time.Time         `json:"time"`
	Members      map[string]uint64 `json:"members"`
}

func newCheckpointFields(c *registry.Checkpoint) checkpointFields {
	return checkpointFields{c.Origin, c.Sequence, c.LogRoot.String(), c.Root.String(), c.CapacityBits, c.Time, membersByName(c.Members)}
}

func (c checkpointFields) table() (t table) {
	t.add("origin", "%s", c.Origin)
	t.add("sequence", "%d", c.Sequence)
	t.add("log root", "%s", c.LogRoot)
	t.add("member root", "%s", c.Root)
	t.add("capacity", "2^%d", c.CapacityBits)
	t.add("signed", "%s", c.Time.Format(time.RFC3339))
	for _, name := range sortedKeys(c.Members) {
		t.add("members", "%d with a %s key", c.Members[name], name)
	}
	return t
}

// inspectCheckpoint reads a checkpoint without checking who signed it.
func inspectCheckpoint(text []byte) (result, error) {
	if len(text) > registry.MaxCheckpoint {
		return nil, tooLong("checkpoint", registry.MaxCheckpoint)
	}
	c, err := parseNote(text)
	if err != nil {
		return nil, err
	}
	_, signatures, _ := bytes.Cut(text, []byte("\n\n"))
	var signers []string
	for line := range strings.Lines(string(signatures)) {
		if name, _, ok := strings.Cut(strings.TrimPrefix(line, "— "), " "); ok {
			signers = append(signers, name)
		}
	}
	fields := struct {
		checkpointFields
		SignedBy []string `json:"signed_by"`
	}{newCheckpointFields(c), signers}
	t := fields.checkpointFields.table()
	t.add("signed by", "%s, not checked here", strings.Join(signers, ", "))
	return &inspectResult{Format: "signed checkpoint", Fields: fields, table: t}, nil
}

// parseNote reads a signed checkpoint without looking at the signatures.
func parseNote(text []byte) (*registry.Checkpoint, error) {
	body, _, found := bytes.Cut(text, []byte("\n\n"))
	if !found {
		return nil, &zkkex.ParseError{Format: "checkpoint", Err: errors.New("expected an empty line and signatures after the text")}
	}
	return registry.ParseCheckpoint(append(bytes.Clone(body), '\n'))
}

func inspectHistory(text []byte) (result, error) {
	roots, err := registry.ParseRoots(text)
	if err != nil {
		return nil, err
	}
	fields := struct {
		Registry    string            `json:"registry"`
		VerifierKey string            `json:"verifier_key"`
		Newest      *checkpointFields `json:"newest"`
	}{roots.Registry().String(), roots.VerifierKey(), nil}
	t := table{{"registry", fields.Registry}, {"verifier key", fields.VerifierKey}}
	if latest := roots.Latest(); latest != nil {
		newest := newCheckpointFields(&latest.Checkpoint)
		fields.Newest = &newest
		t = append(t, newest.table()...)
	}
	return &inspectResult{Format: "history of checkpoints, signatures checked", Fields: fields, table: t}, nil
}

func inspectManifest(text []byte) (result, error) {
	m, err := params.ParseManifest(text)
	if err != nil {
		return nil, err
	}
	digest, err := m.Digest()
	if err != nil {
		return nil, err
	}
	set := &setResult{Digest: digest.String(), Manifest: *m, Trust: trustIn(m)}
	return &inspectResult{Format: "parameter manifest", Fields: set, table: set.table()}, nil
}

func inspectVerifierKey(key string) (result, error) {
	id, err := registry.ID(key)
	if err != nil {
		return nil, err
	}
	name, _, _ := strings.Cut(key, "+")
	fields := struct {
		Name     string `json:"name"`
		Registry string `json:"registry"`
	}{name, id.String()}
	return &inspectResult{Format: "registry's verifier key", Fields: fields, table: table{{"name", name}, {"registry", id.String()}}}, nil
}
