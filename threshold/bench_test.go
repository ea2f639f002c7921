package threshold

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
)

// BenchmarkSign is a whole signing session over a relay on the loopback interface: the
// request, two rounds, and the verified signature.
func BenchmarkSign(b *testing.B) {
	for _, size := range []struct{ threshold, participants int }{{2, 3}, {7, 10}} {
		b.Run(fmt.Sprintf("%d-of-%d", size.threshold, size.participants), func(b *testing.B) {
			dirs := benchGroup(b, size.threshold, size.participants)
			for b.Loop() {
				if _, err := dirs[0].Sign(b.Context(), certificate(1), quiet); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// benchGroup makes a group whose participants but the first serve.
func benchGroup(b *testing.B, threshold, participants int) []*Dir {
	b.Helper()
	setup, paths := &Setup{Threshold: threshold}, []string{}
	for i := range participants {
		path := filepath.Join(b.TempDir(), names[i])
		m, err := Init(path, names[i])
		if err != nil {
			b.Fatal(err)
		}
		setup.Participants, paths = append(setup.Participants, m), append(paths, path)
	}
	folder, err := NewFolder(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(NewRelay(setup, folder))
	b.Cleanup(server.Close)
	var dirs []*Dir
	var wg sync.WaitGroup
	for _, path := range paths {
		if err := Join(path, setup, server.URL); err != nil {
			b.Fatal(err)
		}
		d, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		dirs = append(dirs, d)
		wg.Go(func() {
			if _, err := d.Generate(b.Context(), quiet); err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
	ctx, cancel := context.WithCancel(context.Background())
	for _, d := range dirs[1:] {
		wg.Go(func() {
			if err := d.Serve(ctx, yes, quiet); !errors.Is(err, context.Canceled) {
				b.Error(err)
			}
		})
	}
	b.Cleanup(func() { cancel(); wg.Wait() })
	return dirs
}
