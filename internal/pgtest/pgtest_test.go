package pgtest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const childEnv = "ZKKEX_TEST_PG_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		c, err := newCluster(nil)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(c.dir)
		select {} // until it is killed
	}
	os.Exit(Main(m))
}

func TestDatabasesAreApart(t *testing.T) {
	a, b := Database(t), Database(t)
	Shared(t).ExecIn(t, a, "create table only_here (n int)")
	if got := Shared(t).Query(t, b, "select count(*) from pg_tables where tablename = 'only_here'"); got != "0" {
		t.Errorf("a table of another database is found %s times", got)
	}
	if got := Shared(t).Query(t, a, "show fsync"); got != "on" {
		t.Errorf("fsync is %s", got)
	}
}

// A server that is killed keeps what it said it had.
func TestKillAndRestart(t *testing.T) {
	c := Start(t, nil)
	dsn := c.Database(t)
	c.ExecIn(t, dsn, "create table kept as select 7 as n")
	c.Kill(t)
	if _, err := query(dsn, "select 1"); err == nil {
		t.Fatal("a killed server answered")
	}
	c.Restart(t)
	if got := c.Query(t, dsn, "select n from kept"); got != "7" {
		t.Errorf("found %q, want 7", got)
	}
}

func TestStandbyFollows(t *testing.T) {
	c := Start(t, map[string]string{"synchronous_standby_names": ""})
	s := c.Standby(t, "second", nil)
	c.Set(t, "synchronous_standby_names", "second")
	dsn := c.Database(t)
	c.ExecIn(t, dsn, "create table kept as select 7 as n")
	c.Kill(t)
	s.Promote(t)
	name := dsn[strings.LastIndex(dsn, "/")+1:]
	name, _, _ = strings.Cut(name, "?")
	if got := s.Query(t, s.DSN(name), "select n from kept"); got != "7" {
		t.Errorf("found %q, want 7", got)
	}
}

// A process that is killed leaves neither a server nor a folder.
func TestEndsWithItsProcess(t *testing.T) {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childEnv+"=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	dir := strings.TrimSpace(line)
	if err != nil {
		t.Fatalf("%q, %v", line, err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Fatal(err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	for {
		if _, err := os.Stat(dir); os.IsNotExist(err) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestMissingIsAFailureThatSaysWhatToRun(t *testing.T) {
	if complete(t.TempDir()) {
		t.Error("an empty folder is taken for PostgreSQL")
	}
}
