package bench

import (
	"os"
	"strconv"
	"strings"
)

func cpuModel() string { return procField("/proc/cpuinfo", "model name") }

func memorySize() uint64 { return kibibytes(procField("/proc/meminfo", "MemTotal")) }

// peakMemory returns the largest resident set this process ever had, in bytes.
func peakMemory() uint64 { return kibibytes(procField("/proc/self/status", "VmHWM")) }

// procField returns the value of the first line "name : value" of a file.
func procField(path, name string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		key, value, found := strings.Cut(line, ":")
		if found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// kibibytes parses "123 kB", by which the kernel means 1024.
func kibibytes(s string) uint64 {
	n, err := strconv.ParseUint(strings.TrimSuffix(s, " kB"), 10, 54)
	if err != nil {
		return 0
	}
	return n * 1024
}

// residentMemory returns the resident set of this process, in bytes.
func residentMemory() uint64 { return kibibytes(procField("/proc/self/status", "VmRSS")) }
