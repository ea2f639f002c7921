package pgtest

import (
	"testing"
	"time"
)

// Pair starts a primary and a standby that follows it. With sync, commits on the
// primary wait until the standby has them on disk.
func Pair(t testing.TB, sync bool) (primary, standby *Cluster) {
	t.Helper()
	primary = Start(t, nil)
	const name = "second"
	standby = primary.Standby(t, name, nil)
	want := "async"
	if sync {
		primary.Set(t, "synchronous_standby_names", name)
		want = "sync"
	}
	primary.await(t, "select sync_state from pg_stat_replication", want)
	return primary, standby
}

// Sever makes a standby lose its primary: it stays as it is from now on.
func (c *Cluster) Sever(t testing.TB, primary *Cluster) {
	t.Helper()
	c.Set(t, "primary_conninfo", "host=127.0.0.1 port=1")
	primary.await(t, "select count(*) from pg_stat_replication", "0")
}

// Replicated waits until the standbys have everything that the primary has.
func (c *Cluster) Replicated(t testing.TB) {
	t.Helper()
	c.await(t, "select bool_and(replay_lsn >= pg_current_wal_lsn()) from pg_stat_replication", "t")
}

// await repeats a query until it has the answer.
func (c *Cluster) await(t testing.TB, sql, want string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		got := c.Query(t, c.superuser(), sql)
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %q, want %q\n%s", sql, got, want, c.log())
		}
	}
}
