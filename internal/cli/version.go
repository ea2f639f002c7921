package cli

import (
	"context"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex/setup/dev"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		GroupID: groupOther,
		Short:   "print the versions of program, Go and parameters",
		Example: `  zkkex version --json`,
		Args:    noArguments,
		RunE:    a.run(func(context.Context, []string) (result, error) { return newVersionResult() }),
	}
}

// versionResult is what this program is.
type versionResult struct {
	Version  string           `json:"version"`
	Revision string           `json:"revision,omitempty"`
	Modified bool             `json:"modified,omitempty"`
	Go       string           `json:"go"`
	Platform string           `json:"platform"`
	Circuits []circuitVersion `json:"circuits"`
}

// circuitVersion is a circuit, and the development set for it.
type circuitVersion struct {
	Name          string `json:"name"`
	CircuitDigest string `json:"circuit_digest"`
	DevParams     string `json:"dev_params"`
}

func newVersionResult() (result, error) {
	r := &versionResult{Version: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		r.Version = info.Main.Version
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				r.Revision = s.Value
			case "vcs.modified":
				r.Modified = s.Value == "true"
			}
		}
	}
	sets, err := openDev(dev.Circuits())
	if err != nil {
		return nil, err
	}
	for _, set := range sets {
		m := set.Manifest()
		r.Circuits = append(r.Circuits, circuitVersion{m.Circuit.Name, m.Circuit.Digest.String(), set.Digest().String()})
	}
	return r, nil
}

// programVersion returns the version that this program was built as.
func programVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}

func (r *versionResult) text() string {
	var t table
	t.add("zkkex", "%s", r.Version)
	if r.Revision != "" {
		t.add("revision", "%s", r.Revision)
	}
	t.add("go", "%s %s", r.Go, r.Platform)
	for _, c := range r.Circuits {
		t.add(c.Name, "circuit %s", c.CircuitDigest)
		t.add("", "dev params %s", c.DevParams)
	}
	return t.String()
}
