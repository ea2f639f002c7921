package registrar

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex/registry"
)

// ackedDelegation is what a child acknowledged about a device: the number of the
// record, of which delegate it is, or that it revokes the device.
type ackedDelegation struct{ device, delegate, sequence uint64 }

// revokedDevice stands for a delegate's number when the device was revoked.
const revokedDevice = 1 << 20

// TestKillDelegations kills a process whose devices delegate, renew, and are revoked,
// each with two records, at random moments. Everything it acknowledged must be there,
// and what it did not must have left no delegate without its device. ZKKEX_DEEP=1
// kills it 400 times.
func TestKillDelegations(t *testing.T) {
	kills := 15
	if deep() {
		kills = 400
	}
	dir, r := newRegistrar(t)
	mustClose(t, r)
	acks := 0
	for range kills {
		var acked []ackedDelegation
		killed(t, dir, "delegate", func(line string) error {
			var a ackedDelegation
			if _, err := fmt.Sscanf(line, "%d %d %d\n", &a.device, &a.delegate, &a.sequence); err != nil {
				return err
			}
			acked = append(acked, a)
			return nil
		})
		r, err := Open(dir)
		if err != nil {
			t.Fatalf("after %d acknowledged operations: %v", acks, err)
		}
		for _, a := range acked {
			if err := a.check(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := checkDelegates(r); err != nil {
			t.Fatal(err)
		}
		checkpoint(t, r, time.Now())
		if err := checkPublic(r); err != nil {
			t.Fatal(err)
		}
		acks += len(acked)
		mustClose(t, r)
	}
	if acks < kills {
		t.Fatalf("only %d operations were acknowledged in %d runs; the test shows nothing", acks, kills)
	}
	t.Logf("%d kills, %d acknowledged operations", kills, acks)
}

func (a ackedDelegation) check(r *Registrar) error {
	rec, err := r.journal.read(a.sequence)
	if err != nil {
		return fmt.Errorf("acknowledged %+v: %w", a, err)
	}
	device := fakeDevice(a.device)
	want := registry.Operation{Kind: registry.Revoke, KeyType: device.keyType, Index: rec.op.Index, Leaf: device.leaf}
	if a.delegate != revokedDevice {
		delegate := fakeDelegate(device, delegateNumber(a.device, a.delegate))
		want = delegate.operation(rec.op.Index)
		if rec.delegation.until != testTime.Unix()+int64(a.delegate)+1 {
			return fmt.Errorf("acknowledged %+v: record %d ends at %d", a, rec.sequence, rec.delegation.until)
		}
	}
	if rec.op != want {
		return fmt.Errorf("acknowledged %+v: record %d is %+v, expected %+v", a, rec.sequence, rec.op, want)
	}
	return nil
}

// delegateForever is the child.
func delegateForever(dir string) int {
	r, err := Open(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("open")
	first := 1000 * (r.Sequence() + 1) // never a device of an earlier run
	var wg sync.WaitGroup
	for worker := range uint64(4) {
		wg.Go(func() {
			for n := uint64(0); lifeOfDevice(r, first+4*n+worker); n++ {
			}
		})
	}
	wg.Go(func() {
		for {
			if _, err := r.Checkpoint(context.Background(), time.Now(), nil); err != nil {
				return
			}
		}
	})
	wg.Wait()
	return 1
}

// lifeOfDevice has a device delegate three times, and revokes every other one.
func lifeOfDevice(r *Registrar, n uint64) bool {
	device := fakeDevice(n)
	for delegate := range uint64(3) {
		req := fakeDelegation(device, delegateNumber(n, delegate), time.Duration(delegate+1)*time.Second)
		r.submit(testTime, req)
		if req.err != nil {
			fmt.Fprintln(os.Stderr, req.err)
			return false
		}
		sayLine("%d %d %d\n", n, delegate, req.delegate.Sequence)
	}
	if n%2 != 0 {
		return true
	}
	m, err := r.findLiveNow(device.identity())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return false
	}
	receipt, err := r.RevokeIndex(m.op.Index, testTime)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return false
	}
	sayLine("%d %d %d\n", n, revokedDevice, receipt.Sequence)
	return true
}

// delegateNumber numbers the delegates of all devices.
func delegateNumber(device, delegate uint64) uint64 { return 4*device + delegate }

// findLiveNow is findLive for a caller that does not hold mu.
func (r *Registrar) findLiveNow(id identity) (*record, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.findLive(id)
}

// sayLine writes one line in one call, which a pipe takes whole.
func sayLine(format string, args ...any) {
	_, _ = os.Stdout.WriteString(fmt.Sprintf(format, args...)) // without the reader, nothing was acknowledged
}

// wholeLines calls take for every whole line: a last one without its end was not
// acknowledged.
func wholeLines(r *bufio.Reader, take func(string) error) error {
	for {
		line, err := r.ReadString('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := take(line); err != nil {
			return fmt.Errorf("child said %q: %w", line, err)
		}
	}
}
