package bench

import "context"

func (r *runner) registry(context.Context) error { return nil }
