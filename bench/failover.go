package bench

import "context"

func (r *runner) failover(ctx context.Context) error { return nil }
