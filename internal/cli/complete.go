package cli

import (
	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex/member"
)

// completeMember completes the values of --registry and --venue with the names
// in the state directory.
func (a *app) completeMember(c *cobra.Command) {
	for flag, names := range map[string]func(*member.Member) []string{"registry": registryNames, "venue": venueNames} {
		if c.Flag(flag) == nil {
			continue
		}
		// It fails only for a flag that is not there.
		_ = c.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return a.namesIn(names), cobra.ShellCompDirectiveNoFileComp
		})
	}
}

// namesIn returns names from the state directory, or none if it cannot be read.
func (a *app) namesIn(names func(*member.Member) []string) []string {
	dir, err := a.homeDir()
	if err != nil {
		return nil
	}
	m, err := member.Open(dir, member.Options{Now: a.env.Now})
	if err != nil {
		return nil
	}
	defer m.Close()
	return names(m)
}

func registryNames(m *member.Member) (names []string) {
	for _, r := range m.Registries() {
		names = append(names, r.Name())
	}
	return names
}

func venueNames(m *member.Member) (names []string) {
	venues, err := m.Venues()
	if err != nil {
		return nil
	}
	for _, v := range venues {
		names = append(names, v.Name())
	}
	return names
}

// completeParams completes the value of --params: a folder, or dev.
func completeParams(c *cobra.Command) {
	_ = c.RegisterFlagCompletionFunc("params", func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		if typed == "" || len(typed) < len(devParams) && devParams[:len(typed)] == typed {
			return []string{devParams}, cobra.ShellCompDirectiveDefault
		}
		return nil, cobra.ShellCompDirectiveFilterDirs
	})
}
