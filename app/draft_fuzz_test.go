package app

import (
	"testing"

	"github.com/rollcall/rollcall/api/jsoncodec"
	"github.com/rollcall/rollcall/api/jsoncodec/codectest"
)

// FuzzDraft: a draft is read and written as by encoding/json, as older versions did.
func FuzzDraft(f *testing.F) {
	codectest.Seed(f, "key", "values", "seen", "at")
	f.Add([]byte(`{"key":"k","user":"u","id":"i","values":{"name":"Ann","bio":"<b>\n"},"seen":{"ID":"u","Value":{"id":"u","name":"An","createdAt":"2026-05-01T12:00:00Z"},"Version":3,"State":"pending","SyncedAt":"2026-05-01T12:00:00Z"},"at":"2026-05-01T12:00:00.5Z"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		codectest.Reads(t, text, readDraft)
		if d, err := jsoncodec.Parse(text, readDraft); err == nil {
			codectest.Writes(t, d, d.writeJSON)
		}
	})
}
