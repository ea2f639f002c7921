package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const unitFile = "zkkex-gateway@.service"

// unit is a unit's settings, by section and name, each with its values in order.
type unit map[string]map[string][]string

// readUnit parses what systemd.syntax(7) calls a unit file, without continued lines.
func readUnit(t *testing.T, path string) unit {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	u, section := make(unit), ""
	for n, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		name, value, found := strings.Cut(line, "=")
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[' && strings.HasSuffix(line, "]"):
			section = line[1 : len(line)-1]
			u[section] = make(map[string][]string)
		case !found || section == "" || strings.HasSuffix(line, `\`):
			t.Fatalf("%s:%d: %q is no setting in a section", path, n+1, line)
		default:
			u[section][name] = append(u[section][name], value)
		}
	}
	return u
}

// The unit starts the command that there is, as a user of its own, with nothing that
// it does not need, and stops it in the way that drains.
func TestUnit(t *testing.T) {
	u := readUnit(t, unitFile)
	for name, want := range map[string]string{
		"Type": "exec", "User": "zkkex", "DynamicUser": "yes", "StateDirectory": "zkkex", "StateDirectoryMode": "0700", "UMask": "0077",
		"NoNewPrivileges": "yes", "CapabilityBoundingSet": "", "AmbientCapabilities": "", "ProtectSystem": "strict", "ProtectHome": "yes",
		"PrivateTmp": "yes", "PrivateDevices": "yes", "PrivateUsers": "yes", "ProtectClock": "yes", "ProtectControlGroups": "yes",
		"ProtectKernelLogs": "yes", "ProtectKernelModules": "yes", "ProtectKernelTunables": "yes", "ProtectProc": "invisible",
		"RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX", "RestrictNamespaces": "yes", "RestrictRealtime": "yes", "RestrictSUIDSGID": "yes",
		"LockPersonality": "yes", "MemoryDenyWriteExecute": "yes", "SystemCallArchitectures": "native", "LimitCORE": "0",
		"KillSignal": "SIGTERM", "Restart": "always",
	} {
		if got := u["Service"][name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, expected %q", name, got, want)
		}
	}
	if got := u["Service"]["ExecStart"]; len(got) != 1 || !strings.HasPrefix(got[0], "/usr/local/bin/zkkex gateway run --dir /var/lib/zkkex/%i ") {
		t.Errorf("ExecStart is %q", got)
	}
	if got := u["Service"]["LoadCredential"]; !slices.Contains(got, "pgpass:/etc/zkkex/pgpass") {
		t.Errorf("LoadCredential is %q: the journal's password is not loaded", got)
	}
	for _, environment := range u["Service"]["Environment"] {
		if strings.Contains(strings.ToUpper(environment), "PASSWORD=") {
			t.Errorf("%s: a password in the environment is everybody's", environment)
		}
	}
}

// systemd takes the unit, where systemd is: a machine without it has the check above.
func TestUnitBySystemd(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("no systemd-analyze here: the unit was parsed by TestUnit alone")
		return
	}
	text, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "zkkex-gateway@a.service")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), "/usr/local/bin/zkkex", "/bin/true")), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(analyze, "verify", path).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	// The exposure level times ten: it was 12, of 100, when this was written.
	if out, err := exec.Command(analyze, "security", "--offline=true", "--threshold=20", path).CombinedOutput(); err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
}
