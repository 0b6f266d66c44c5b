package group

// Queued is how many requests wait for the writer: those that it would take next.
func (w *Writer) Queued() int { return len(w.requests) }
