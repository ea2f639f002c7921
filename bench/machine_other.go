//go:build !linux && !darwin

package bench

import "os"

// cpuModel is what Windows has in the environment, and nothing elsewhere.
func cpuModel() string { return os.Getenv("PROCESSOR_IDENTIFIER") }

func memorySize() uint64 { return 0 }

func peakMemory() uint64 { return 0 }

// residentMemory returns 0: this system does not tell.
func residentMemory() uint64 { return 0 }
