package registrar

import (
	"os"
	"testing"
)

// childEnv makes this test binary play a part in another process instead of
// running tests; childDirEnv is the registry's folder.
const (
	childEnv    = "ZKKEX_TEST_CHILD"
	childDirEnv = "ZKKEX_TEST_CHILD_DIR"
)

func TestMain(m *testing.M) {
	if part := os.Getenv(childEnv); part != "" {
		os.Exit(childParts[part](os.Getenv(childDirEnv)))
	}
	os.Exit(m.Run())
}

// childParts are the parts a child process can play, on any system. Each returns
// the exit status.
var childParts = map[string]func(dir string) int{
	"delegate":    delegateForever,
	"admit":       func(dir string) int { return admitForever(dir, openFile) },
	"admit-early": func(dir string) int { return admitForever(dir, openLazyFile) },
}
