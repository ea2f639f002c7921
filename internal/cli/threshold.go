package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex/threshold"
)

func (a *app) thresholdCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "threshold",
		GroupID: groupMember,
		Short:   "hold a member's key in a group, of whom some sign together",
		Long: `A threshold group holds one key in parts: any t of its n participants sign
together, fewer learn nothing, and the key is never put together anywhere. The
group's key can be a member: "zkkex enroll --key threshold:DIR".

  init      makes a folder, for each participant and for who asks for signatures
  setup     writes down who is in the group; all have the same file
  join      puts it into one's folder, and where the group meets
  relay     serves a meeting place over HTTP, instead of a shared folder
  dkg       makes the key: all participants at the same time
  serve     answers requests for signatures
  refresh   replaces all parts by new ones of the same key
  status    shows what a folder holds

The meeting place is not trusted. Messages in it are signed, and sealed where
they are secret. The nullifier key is none of the group's: whoever proves holds
it.`,
		RunE: a.group,
		Args: cobra.ArbitraryArgs,
	}
	c.AddCommand(a.thresholdInitCommand(), a.thresholdSetupCommand(), a.thresholdJoinCommand(), a.thresholdRelayCommand(),
		a.thresholdMakeCommand(), a.thresholdServeCommand(), a.thresholdRefreshCommand(), a.thresholdStatusCommand())
	return c
}

func (a *app) thresholdInitCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init DIR NAME",
		Short: "make a folder of one's own, and a key that signs messages",
		Long: `Init makes a folder with a key that signs what its owner says in the group. It
prints the line that the others need; it is no secret. Keep the folder on one
machine: it will hold a part of the group's key.`,
		Example: `  zkkex threshold init ./alice alice > alice.line`,
		Args:    arguments(2, 2, "the folder DIR, and a NAME"),
		RunE: a.run(func(_ context.Context, args []string) (result, error) {
			m, err := threshold.Init(args[0], args[1])
			if err != nil {
				return nil, err
			}
			return memberLine{m.String()}, nil
		}),
	}
}

// memberLine is what others need to know of a member of a group.
type memberLine struct {
	Member string `json:"member"`
}

func (r memberLine) text() string { return r.Member + "\n" }

func (a *app) thresholdSetupCommand() *cobra.Command {
	var signers int
	var requesters []string
	var out string
	c := &cobra.Command{
		Use:   "setup --signers T FILE...",
		Short: "write down who is in a group, and how many of them sign",
		Long: `Setup makes the file that says who is in a group: its participants, in order,
each by the file with the line that "threshold init" printed, and those who may
ask for signatures without a part of the key. All of them need the same file:
compare its digest by another way than the one it came by.`,
		Example: `  zkkex threshold setup --signers 2 alice.line bob.line carol.line --requester desk.line --out setup`,
		Args:    arguments(2, 64, "the files of the participants"),
	}
	c.Flags().IntVar(&signers, "signers", 0, "how many participants sign together, `T`")
	c.Flags().StringArrayVar(&requesters, "requester", nil, "let the owner of this `FILE` ask for signatures; can be repeated")
	c.Flags().StringVar(&out, "out", stdStream, "write it to `FILE`")
	c.RunE = a.run(func(_ context.Context, args []string) (result, error) {
		s := &threshold.Setup{Threshold: signers}
		var err error
		if s.Participants, err = a.readMembers(args); err != nil {
			return nil, err
		}
		if s.Requesters, err = a.readMembers(requesters); err != nil {
			return nil, err
		}
		if err := s.Check(); err != nil {
			return nil, usagef("%w", err)
		}
		return a.newFile("setup", s.Encode(), out, s.Digest())
	})
	return c
}

// readMembers reads the lines of members, a file each.
func (a *app) readMembers(names []string) (members []threshold.Member, err error) {
	for _, name := range names {
		text, err := a.read(name, "member", 256)
		if err != nil {
			return nil, err
		}
		m, err := threshold.ParseMember(strings.TrimSuffix(string(text), "\n"))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		members = append(members, m)
	}
	return members, nil
}

func (a *app) readSetup(name string) (*threshold.Setup, error) {
	text, err := a.read(name, "setup", threshold.MaxSetup)
	if err != nil {
		return nil, err
	}
	return threshold.ParseSetup(text)
}

func (a *app) thresholdJoinCommand() *cobra.Command {
	var via string
	c := &cobra.Command{
		Use:   "join DIR SETUP --via PLACE",
		Short: "put a group's setup into one's folder, and where it meets",
		Long: `Join puts the setup into one's folder, and where the group meets: a folder that
all of them can write to, however it is shared, or the URL of a relay. Given
again with another --via, it changes the place alone.`,
		Example: `  zkkex threshold join ./alice setup --via /mnt/desk
  zkkex threshold join ./alice setup --via https://relay.example`,
		Args: arguments(2, 2, "the folder DIR and the file SETUP"),
	}
	c.Flags().StringVar(&via, "via", "", "the group meets at `PLACE`, a shared folder or a relay's URL")
	c.RunE = a.run(func(_ context.Context, args []string) (result, error) {
		if via == "" {
			return nil, usagef("say where the group meets, with --via")
		}
		s, err := a.readSetup(args[1])
		if err != nil {
			return nil, err
		}
		place := via
		if !strings.Contains(via, "://") {
			if place, err = filepath.Abs(via); err != nil {
				return nil, err
			}
		}
		if err := a.joinOrMove(args[0], s, place); err != nil {
			return nil, err
		}
		a.notef("compare the setup's digest with the others': %x", s.Digest())
		return a.thresholdStatus(args[0])
	})
	return c
}

func (a *app) joinOrMove(dir string, s *threshold.Setup, place string) error {
	err := threshold.Join(dir, s, place)
	if !errors.Is(err, threshold.ErrExists) {
		return err
	}
	d, openErr := threshold.Open(dir)
	if openErr != nil {
		return openErr
	}
	status, openErr := d.Status()
	if openErr != nil {
		return openErr
	}
	if status.Setup.Digest() != s.Digest() {
		return withHint(err, "the folder belongs to another group: make a new one with zkkex threshold init")
	}
	return threshold.Move(dir, place)
}

func (a *app) thresholdMakeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "dkg DIR",
		Short: "make the group's key, all participants at the same time",
		Long: `Dkg makes the group's key: every participant runs it, at the same time, and ends
up with a part of its own. Who lies is named, and nothing comes about.
Requesters run it too, and hold nothing. It can be run again if it was cut
short.`,
		Example: `  zkkex threshold dkg ./alice`,
		Args:    arguments(1, 1, "the folder DIR"),
		RunE: a.run(func(ctx context.Context, args []string) (result, error) {
			return a.withGroup(ctx, args[0], (*threshold.Dir).Generate)
		}),
	}
}

func (a *app) thresholdRefreshCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "refresh DIR",
		Short: "replace all parts by new ones of the same key, all at the same time",
		Long: `Refresh replaces every participant's part: what was stolen of the old ones is
then useless, also together with new ones. The group's key stays, and so does
its place in registries. All participants run it at the same time; requesters
follow, then or later.`,
		Example: `  zkkex threshold refresh ./alice`,
		Args:    arguments(1, 1, "the folder DIR"),
		RunE: a.run(func(ctx context.Context, args []string) (result, error) {
			return a.withGroup(ctx, args[0], (*threshold.Dir).Refresh)
		}),
	}
}

// withGroup runs what all members do together, in a folder.
func (a *app) withGroup(ctx context.Context, dir string, run func(*threshold.Dir, context.Context, func(string)) (*threshold.Group, error)) (result, error) {
	d, err := a.openGroup(dir)
	if err != nil {
		return nil, err
	}
	defer a.progress("waiting for the others")()
	if _, err := run(d, ctx, func(text string) { a.notef("%s", text) }); err != nil {
		return nil, err
	}
	return a.thresholdStatus(dir)
}

func (a *app) openGroup(dir string) (*threshold.Dir, error) {
	d, err := threshold.Open(dir)
	if err != nil {
		return nil, err
	}
	d.Dial, err = a.dial()
	return d, err
}

func (a *app) thresholdStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "status DIR",
		Short:   "show what a folder holds",
		Long:    `Status shows the group of a folder. It asks nobody.`,
		Example: `  zkkex threshold status ./alice`,
		Args:    arguments(1, 1, "the folder DIR"),
		RunE:    a.run(func(_ context.Context, args []string) (result, error) { return a.thresholdStatus(args[0]) }),
	}
}

// groupResult is what a folder says of itself.
type groupResult struct {
	Name         string   `json:"name"`
	Participant  int      `json:"participant,omitempty"`
	Setup        string   `json:"setup"`
	Signers      int      `json:"signers"`
	Participants []string `json:"participants"`
	Requesters   []string `json:"requesters,omitempty"`
	Via          string   `json:"via"`
	// PublicKey is empty before the key is made.
	PublicKey  string `json:"public_key,omitempty"`
	Generation int    `json:"generation,omitempty"`
	Pending    bool   `json:"pending"`
}

func (a *app) thresholdStatus(dir string) (result, error) {
	d, err := threshold.Open(dir)
	if err != nil {
		return nil, err
	}
	s, err := d.Status()
	if err != nil {
		return nil, err
	}
	digest := s.Setup.Digest()
	r := &groupResult{
		Name: s.Name, Participant: int(s.ID), Setup: hex.EncodeToString(digest[:]), Signers: s.Setup.Threshold,
		Participants: names(s.Setup.Participants), Requesters: names(s.Setup.Requesters), Via: s.Via, Pending: s.Pending,
	}
	if s.Group != nil {
		key := s.Group.Key()
		r.PublicKey, r.Generation = hex.EncodeToString(key[:]), s.Group.Generation
	}
	return r, nil
}

func names(members []threshold.Member) (out []string) {
	for _, m := range members {
		out = append(out, m.Name)
	}
	return out
}

func (r *groupResult) text() string {
	var t table
	role := "asks for signatures"
	if r.Participant > 0 {
		role = fmt.Sprintf("participant %d", r.Participant)
	}
	t.add("name", "%s, %s", r.Name, role)
	t.add("group", "%d of %d: %s", r.Signers, len(r.Participants), strings.Join(r.Participants, ", "))
	if len(r.Requesters) > 0 {
		t.add("may ask", "%s", strings.Join(r.Requesters, ", "))
	}
	t.add("setup", "%s", r.Setup)
	t.add("meets at", "%s", r.Via)
	if r.PublicKey == "" {
		t.add("public key", "none yet: zkkex threshold dkg")
	} else {
		t.add("public key", "eddsa %s", r.PublicKey)
		t.add("generation", "%d", r.Generation)
	}
	if r.Pending {
		t.add("pending", "what was begun is not known to be complete: run it again")
	}
	return t.String()
}
