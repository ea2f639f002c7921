package bench

import (
	"syscall"

	"golang.org/x/sys/unix"
)

func cpuModel() string {
	name, err := unix.Sysctl("machdep.cpu.brand_string")
	if err != nil {
		return ""
	}
	return name
}

func memorySize() uint64 {
	size, err := unix.SysctlUint64("hw.memsize")
	if err != nil {
		return 0
	}
	return size
}

// peakMemory returns the largest resident set this process ever had, in bytes.
func peakMemory() uint64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return uint64(usage.Maxrss) // in bytes on this system alone
}

// residentMemory returns 0: this system does not tell.
func residentMemory() uint64 { return 0 }
