package venue

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/filelock"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// A registry that is out of reach: what is named stays in force, nothing new is
// named, and in the end there is no descriptor, until the registry is back.
func TestRegistryOutOfReach(t *testing.T) {
	s, ctx := newScene(t), context.Background()
	first := s.turn()
	away := s.folder + ".away"
	s.must(os.Rename(s.folder, away))
	lastNamed := first.Epochs[1].Number
	var refused error
	for range 48 {
		s.clock.add(time.Hour)
		if _, err := s.venue.Sync(ctx); err == nil {
			t.Fatal("synced without a registry")
		}
		d, err := s.venue.Rotate(ctx)
		if err != nil {
			refused = err
			break
		}
		if d.Epochs[1].Number > lastNamed {
			t.Fatalf("at %v, epoch %d was named without a registry", s.clock.now(), d.Epochs[1].Number)
		}
	}
	if !errors.Is(refused, registry.ErrOutdated) {
		t.Fatalf("%v, expected %v", refused, registry.ErrOutdated)
	}
	status := s.venue.Status()
	if len(status.Problems) != 2 || status.Problems[0].What != "sync" || status.Problems[1].What != "rotate" || !status.Problems[0].Since.Equal(testTime.Add(time.Hour)) {
		t.Errorf("problems %+v, expected sync since the first hour, and rotate", status.Problems)
	}
	if _, err := s.venue.Raise(ctx); err == nil {
		t.Error("the generation was raised without a registry")
	}
	s.clock.add(24 * time.Hour)
	if status := s.venue.Status(); status.Current != nil || s.venue.store.Latest().Generation != 0 {
		t.Errorf("current %+v of generation %d, expected none", status.Current, s.venue.store.Latest().Generation)
	}

	s.must(os.Rename(away, s.folder))
	s.publish()
	s.must(s.venue.Maintain(ctx))
	s.must(s.venue.Maintain(ctx))
	if status := s.venue.Status(); status.Current == nil || len(status.Problems) != 0 {
		t.Errorf("after the registry is back: %+v", status)
	}
}

func TestTooFewMembers(t *testing.T) {
	s, ctx := newScene(t), context.Background()
	s.must(s.venue.Close())
	s.configure(func(c *Config) { c.MinMembers = 5 })
	s.open()
	_, err := s.venue.Sync(ctx)
	s.must(err)
	if _, err := s.venue.Rotate(ctx); !rejected(err, zkkex.TooFewMembers) {
		t.Fatalf("3 members: %v, expected %s", err, zkkex.TooFewMembers)
	}
	s.admit()
	s.admit()
	s.clock.add(time.Minute)
	if d := s.turn(); d.Number != 1 {
		t.Errorf("descriptor %d, expected the first", d.Number)
	}
}

// What the venue said before cannot be taken back by a configuration.
func TestConfigurationContradicts(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"schedule": func(c *Config) { c.Schedule.Length /= 2 },
		"chain":    func(c *Config) { c.ChainID = 7 },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.turn()
			s.must(s.venue.Close())
			s.configure(change)
			s.open()
			s.clock.add(time.Hour)
			s.publish()
			_, err := s.venue.Sync(context.Background())
			s.must(err)
			if _, err := s.venue.Rotate(context.Background()); !errors.Is(err, descriptor.ErrTerms) {
				t.Errorf("%v, expected %v", err, descriptor.ErrTerms)
			}
		})
	}
}

// A new limit waits for the next epoch that has none.
func TestLimitWaitsForItsEpoch(t *testing.T) {
	s := newScene(t)
	s.turn()
	s.must(s.venue.Close())
	s.configure(func(c *Config) { c.Limit, c.MaxOpens = 10, 20 })
	s.open()
	s.clock.add(time.Hour)
	d := s.turn()
	if d.Number != 2 || d.Epochs[0].Limit != DefaultLimit || d.Epochs[1].Limit != DefaultLimit || d.MaxOpens != 20 {
		t.Errorf("descriptor %d has the limits %d and %d and %d opens, expected the old limits and 20 opens", d.Number, d.Epochs[0].Limit, d.Epochs[1].Limit, d.MaxOpens)
	}
	s.clock.add(15 * time.Hour)
	if d := s.turn(); d.Epochs[0].Limit != DefaultLimit || d.Epochs[1].Limit != 10 {
		t.Errorf("a day later: the limits %d and %d, expected the new one for the second epoch", d.Epochs[0].Limit, d.Epochs[1].Limit)
	}
}

// A folder's parts belong together, and to one process.
func TestFolder(t *testing.T) {
	s, other := newScene(t), newScene(t)
	s.turn()
	other.turn()
	if _, err := Open(s.dir, s.options); !errors.Is(err, filelock.ErrLocked) {
		t.Errorf("opened twice: %v, expected %v", err, filelock.ErrLocked)
	}
	if s.venue.Identity().ID() == other.venue.Identity().ID() {
		t.Fatal("two venues have one identity")
	}
	s.must(s.venue.Close())
	s.must(other.venue.Close())
	defer other.open()
	defer s.open()
	swap := func(name string) func() {
		s.must(os.Rename(filepath.Join(s.dir, name), filepath.Join(s.dir, "aside")))
		s.must(os.Rename(filepath.Join(other.dir, name), filepath.Join(s.dir, name)))
		return func() {
			s.must(os.Rename(filepath.Join(s.dir, name), filepath.Join(other.dir, name)))
			s.must(os.Rename(filepath.Join(s.dir, "aside"), filepath.Join(s.dir, name)))
		}
	}
	for _, c := range []struct {
		name string
		want error
	}{
		{identityFile, descriptor.ErrDamaged},
		{descriptorFolder, descriptor.ErrDamaged},
		{registryFolder, zkkex.ErrRejected},
	} {
		back := swap(c.name)
		if _, err := Open(s.dir, s.options); !errors.Is(err, c.want) {
			t.Errorf("with another venue's %s: %v, expected %v", c.name, err, c.want)
		}
		back()
	}
	text, err := os.ReadFile(filepath.Join(s.dir, configFile))
	s.must(err)
	renamed := strings.Replace(string(text), "venue.example\",", "other.example\",", 1)
	s.must(os.WriteFile(filepath.Join(s.dir, configFile), []byte(renamed), 0o600))
	if _, err := Open(s.dir, s.options); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("with another name: %v, expected %v", err, zkkex.ErrMalformed)
	}
	s.must(os.WriteFile(filepath.Join(s.dir, configFile), text, 0o600))
	s.must(os.Chmod(s.dir, 0o777))
	if _, err := Open(s.dir, s.options); !errors.Is(err, ErrFolderMode) {
		t.Errorf("in a folder that others can write to: %v, expected %v", err, ErrFolderMode)
	}
	s.must(os.Chmod(s.dir, 0o700))
	for _, dir := range []string{filepath.Join(s.dir, "nothing"), t.TempDir()} {
		if _, err := Open(dir, s.options); !errors.Is(err, ErrNoVenue) {
			t.Errorf("without a venue: %v, expected %v", err, ErrNoVenue)
		}
	}
	if _, err := Init(s.dir, s.config()); !errors.Is(err, os.ErrExist) {
		t.Errorf("made anew: %v, expected %v", err, os.ErrExist)
	}
}

func rejected(err error, reason zkkex.Reason) bool {
	var r *zkkex.RejectError
	return errors.As(err, &r) && r.Reason == reason
}
