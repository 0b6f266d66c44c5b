package remote

import (
	"testing"

	"github.com/rollcall/rollcall/api/jsoncodec/codectest"
)

// FuzzCursor: the cursor of a plain backend is read and written as by encoding/json.
func FuzzCursor(f *testing.F) {
	codectest.Seed(f, "listed", "listing", "since", "reading")
	f.Add([]byte(`{"listed":"2026-05-01T12:00:00Z","since":{"user":"2026-05-01T12:00:00.5Z"},"reading":{"type":"user","began":"2026-05-01T12:00:00Z","high":"2026-05-01T12:00:00Z","from":"a","page":2,"token":"t"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		codectest.Reads(t, text, readCursor)
		c, ok := parseCursor(cursorPrefix + string(text))
		if !ok {
			return
		}
		codectest.Writes(t, c, c.writeJSON)
		if again, ok := parseCursor(c.encode()); !ok || again.encode() != c.encode() {
			t.Errorf("%q is encoded as %s, then as %s", text, c.encode(), again.encode())
		}
	})
}
