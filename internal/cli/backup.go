package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex/member"
)

func (a *app) backupCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "backup FILE",
		GroupID: groupMember,
		Short:   "write the key to an encrypted file that can be kept elsewhere",
		Long: `Backup writes both parts of the key to a new file, encrypted under the same
passphrase. It holds nothing about slots: which are used goes on changing, and
an old count would use some of them twice.

Do not copy the state directory instead, nor put it back from a backup of the
disk. A slot that is used twice shows that two proofs are one member's.`,
		Example: `  zkkex backup /media/usb/zkkex-backup.txt
  zkkex restore /media/usb/zkkex-backup.txt --home ./new`,
		Args: arguments(1, 1, "FILE"),
		RunE: a.run(func(ctx context.Context, args []string) (result, error) {
			if args[0] == stdStream {
				return nil, withHint(usagef("a backup is written to a file, not to standard output"), "name a file")
			}
			return a.withMember(ctx, nil, func(m *member.Member) (result, error) { return a.backup(ctx, m, args[0]) })
		}),
	}
}

func (a *app) backup(ctx context.Context, m *member.Member, path string) (result, error) {
	if err := refuseExisting(path); err != nil {
		return nil, err
	}
	passphrase, err := a.backupPassphrase(ctx, m)
	if err != nil {
		return nil, err
	}
	done := a.progress("encrypting the backup")
	err = m.Backup(path, passphrase)
	done()
	if err != nil {
		return nil, err
	}
	a.notef("wrote the backup to %s; it needs the passphrase, keep that elsewhere", path)
	return &backupResult{Out: path, Commitment: m.Public().Commitment().String()}, nil
}

// backupPassphrase returns the passphrase of the key, which was opened with it,
// or a new one for a key file that has none.
func (a *app) backupPassphrase(ctx context.Context, m *member.Member) (string, error) {
	if !m.Encrypted() {
		a.notef("the key file has no passphrase; the backup needs one")
		return a.newPassphrase(ctx)
	}
	passphrase, err := a.passphrase(ctx)()
	if err != nil {
		return "", err
	}
	return passphrase, m.Unlock(passphrase)
}

type backupResult struct {
	Out        string `json:"out"`
	Commitment string `json:"commitment"`
}

func (r *backupResult) text() string {
	var t table
	t.add("backup", "%s", r.Out)
	t.add("commitment", "%s", r.Commitment)
	return t.String()
}

func (a *app) restoreCommand() *cobra.Command {
	var slotRange string
	c := &cobra.Command{
		Use:     "restore BACKUP",
		GroupID: groupMember,
		Short:   "make a state directory from a backup",
		Long: `Restore makes a state directory from what "zkkex backup" wrote. Nobody knows any
more which slots were used, so every epoch in which some may have been is
refused: the first proof is possible in the next epoch that has not begun.

Registries are recorded anew with "zkkex trust"; no enrolment is needed, the
leaf is the same.

If another device still uses the key, give each a range of slots of its own with
--slots.`,
		Example: `  zkkex restore backup.txt
  zkkex restore backup.txt --home ./second-device --slots 8+8`,
		Args: arguments(1, 1, "FILE"),
	}
	c.Flags().StringVar(&slotRange, "slots", "", slotsUsage)
	c.RunE = a.run(func(ctx context.Context, args []string) (result, error) { return a.restore(ctx, args[0], slotRange) })
	return c
}

func (a *app) restore(ctx context.Context, backup, slotText string) (result, error) {
	slotRange, err := parseRange(slotText)
	if err != nil {
		return nil, err
	}
	dir, err := a.homeDir()
	if err != nil {
		return nil, err
	}
	if err := refuseKey(dir); err != nil {
		return nil, err
	}
	done := a.progress("restoring the key")
	err = member.Restore(dir, backup, a.passphrase(ctx), slotRange, a.env.Now())
	done()
	if err != nil {
		return nil, err
	}
	a.notef("restored the key to %s", dir)
	a.notef("slots of epochs that have begun are not used any more; record your registries with zkkex trust")
	return a.publicOf(ctx, dir)
}

// publicOf returns the public part of the key in a state directory.
func (a *app) publicOf(ctx context.Context, dir string) (result, error) {
	return a.withMember(ctx, nil, func(m *member.Member) (result, error) {
		return newPublicResult(m.Public(), dir), nil
	})
}

func (a *app) recoverCommand() *cobra.Command {
	var slotRange string
	c := &cobra.Command{
		Use:     "recover",
		GroupID: groupMember,
		Short:   "start the count of slots anew, safely",
		Long: `Recover is for a state directory whose count of used slots is missing, damaged,
or was copied or put back: commands say so. It starts a count that refuses every
epoch in which slots may have been used before.

If another device uses the key, give each a range of slots of its own first.`,
		Example: `  zkkex recover
  zkkex recover --slots 8+8`,
		Args: noArguments,
	}
	c.Flags().StringVar(&slotRange, "slots", "", slotsUsage)
	c.RunE = a.run(func(ctx context.Context, _ []string) (result, error) {
		r, err := parseRange(slotRange)
		if err != nil {
			return nil, err
		}
		dir, err := a.homeDir()
		if err != nil {
			return nil, err
		}
		if err := member.Recover(dir, r, a.env.Now()); err != nil {
			return nil, err
		}
		a.notef("recovered: epochs that have begun are refused")
		return a.publicOf(ctx, dir)
	})
	return c
}
