package cli

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/zkkex/zkkex/order"
)

// What was done before an error comes with it, however much it is.
func TestControlAnswersWithWhatWasDone(t *testing.T) {
	dir := t.TempDir()
	l, err := listenControl(dir)
	if err != nil {
		t.Fatal(err)
	}
	refused := fmt.Errorf("the last: %w", &order.RejectError{Report: &order.OrderCancelReject{}, Err: order.ErrTooLate})
	all := &ordersDone{}
	for range 10_000 { // as many as a session can have by default
		all.Orders = append(all.Orders, executionOf(&order.ExecutionReport{
			ExecType: order.ExecStatus, OrdStatus: order.StatusPartiallyFilled, Symbol: "BTC-USD", Side: order.Buy, Text: "as long as a text can be, nearly",
		}))
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- serveControl(ctx, l, func(_ context.Context, j orderJob) (*ordersDone, error) {
			if len(j.IDs) != len(all.Orders) {
				return nil, fmt.Errorf("%d IDs came", len(j.IDs))
			}
			return all, refused
		})
	}()
	j := orderJob{Do: doCancel}
	for range all.Orders {
		j.IDs = append(j.IDs, order.ID{1}.String())
	}
	done, err := askServer[ordersDone](t.Context(), dir, j)
	var no *controlError
	if !errors.As(err, &no) || no.Code != "too_late" || exitOf(err) != ExitRejected {
		t.Errorf("got %v, expected the refusal with its code", err)
	}
	if done == nil || len(done.Orders) != len(all.Orders) {
		t.Errorf("got %+v, expected %d orders", done, len(all.Orders))
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
