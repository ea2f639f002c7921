package pgtest

import (
	"errors"
	"maps"
	"testing"
)

// Standby makes a server that follows c, and starts it. It takes part in
// replication under the name given, and ends with the test.
func (c *Cluster) Standby(t testing.TB, name string, settings map[string]string) *Cluster {
	t.Helper()
	s, err := c.standby(name, settings)
	return s.endWith(t, err)
}

func (c *Cluster) standby(name string, settings map[string]string) (*Cluster, error) {
	merged := maps.Clone(c.settings)
	if merged == nil {
		merged = make(map[string]string)
	}
	maps.Copy(merged, settings)
	s, err := prepare(merged)
	if err != nil {
		return nil, err
	}
	s.password = c.password
	err = s.run("pg_basebackup", "-D", s.data(), "-R", "-X", "stream", "--checkpoint=fast", "--no-sync",
		"-d", c.superuser()+"&application_name="+name)
	if err == nil {
		err = s.start()
	}
	if err != nil {
		return nil, errors.Join(err, s.remove())
	}
	return s, nil
}

// Promote makes a standby a primary, and waits until it is one.
func (c *Cluster) Promote(t testing.TB) {
	t.Helper()
	c.must(t, c.run("pg_ctl", "promote", "-w", "-t", "60", "-D", c.data()))
}
