package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex/internal/filelock"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/params"
)

// openCeremony opens the ceremony in a folder that a user named. With again, all of
// it is verified anew.
func openCeremony(dir string, again bool) (*ceremony.Ceremony, error) {
	c, err := ceremony.Open(dir)
	if err != nil {
		return nil, explainFolder(dir, err)
	}
	if again {
		c.Forget()
	}
	return c, nil
}

// explainFolder says of a folder that has no ceremony what it is instead.
func explainFolder(dir string, err error) error {
	if info, statErr := os.Stat(dir); statErr != nil {
		return withHint(fmt.Errorf("%s: %w", dir, errors.Unwrap(statErr)),
			"DIR is the ceremony's folder: get it from whoever runs the ceremony, or make one with zkkex setup ceremony init")
	} else if !info.IsDir() {
		return withHint(fmt.Errorf("%s: %w", dir, syscall.ENOTDIR), "DIR is the ceremony's folder, with all of its files: name it, and none of them")
	}
	if errors.Is(err, fs.ErrNotExist) && hasFile(dir, params.ManifestFile) {
		return withHint(fmt.Errorf("%s: %w", dir, err), "this is a parameter set, which a ceremony made: zkkex setup verify %s checks it", shellWord(dir))
	}
	return err
}

func hasFile(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}

// explainStep says what to do when a step of the ceremony in dir failed.
func explainStep(dir string, c *ceremony.Ceremony, err error) error {
	switch {
	case errors.Is(err, ceremony.ErrNotNow):
		s := c.Status()
		return withHint(err, "what comes next: %s", nextStep(dir, &s))
	case errors.Is(err, filelock.ErrLocked):
		return withHint(err, "somebody else works in %s: wait until they are done, and run this again", dir)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return withHint(err, "%s has to take a new file: copy the folder to where you may write, and run this there", dir)
	case errors.Is(err, syscall.ENOSPC):
		return withHint(err, "the disk is full, and nothing was added: make room, and run this again")
	}
	return err
}

// firstFolder completes the one argument DIR, a folder.
func firstFolder(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveFilterDirs
}
