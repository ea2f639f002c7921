package bench

import (
	"runtime"
	"runtime/debug"
)

// Machine is where a report was measured. What the system does not tell is
// empty or 0.
type Machine struct {
	// CPU is the processor's model name.
	CPU string `json:"cpu"`
	// Cores is the number of logical processors, and Procs how many of them Go
	// used.
	Cores int `json:"cores"`
	Procs int `json:"gomaxprocs"`
	// Memory is the machine's memory in bytes.
	Memory uint64 `json:"memory_bytes"`
	OS     string `json:"os"`
	Arch   string `json:"arch"`
	Go     string `json:"go"`
	// Gnark and GnarkCrypto are the versions of the libraries.
	Gnark       string `json:"gnark"`
	GnarkCrypto string `json:"gnark_crypto"`
}

func describeMachine() Machine {
	m := Machine{
		CPU:    cpuModel(),
		Cores:  runtime.NumCPU(),
		Procs:  runtime.GOMAXPROCS(0),
		Memory: memorySize(),
		OS:     runtime.GOOS,
		Arch:   runtime.GOARCH,
		Go:     runtime.Version(),
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return m
	}
	for _, module := range info.Deps {
		switch module.Path {
		case "github.com/consensys/gnark":
			m.Gnark = module.Version
		case "github.com/consensys/gnark-crypto":
			m.GnarkCrypto = module.Version
		}
	}
	return m
}
