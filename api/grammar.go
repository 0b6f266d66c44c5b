package api

import "time"

// Every string that is stored or echoed has one strict form. People's texts have theirs in
// UserPatch.Clean; these are the others:
//
//	ids of users, operations and clients   a UUID in lower case, not nil      ValidID
//	stamp                                  empty, or exactly its three parts  Stamp.Valid
//	entityType                             EntityUser
//	createdAt                              a year from 1 to 9999, in UTC      ValidTime
//	baseVersion                            0 to MaxVersion                    ValidBase
//	Idempotency-Key                        1 to 255 visible ASCII characters  ValidKey
//	X-Request-Id, and the id of what is
//	refused before it has a valid one      1 to 64 visible ASCII characters   ValidLabel
//	cursor, page token                     as their encoder writes them, byte for byte
//	If-Match                               as the server wrote the tag, or it matches nothing
//	names of unknown fields, paths         echoed cut and cleaned: store.Printable

const (
	maxKey   = 255
	maxLabel = 64

	// MaxVersion is the highest integer that every JSON decoder keeps (RFC 8259, section 6).
	MaxVersion = 1<<53 - 1
)

// ValidKey reports whether s may be an Idempotency-Key.
func ValidKey(s string) bool { return isVisible(s, maxKey) }

// ValidLabel reports whether s, which a client chose to recognize an answer by, may be echoed.
func ValidLabel(s string) bool { return isVisible(s, maxLabel) }

// ValidTime reports whether every store and every JSON encoder keeps a time. An offset can move
// one out of the years that RFC 3339 writes.
func ValidTime(t time.Time) bool {
	year := t.UTC().Year()
	return year >= 1 && year <= 9999
}

// ValidBase reports whether a write may name a version as its base.
func ValidBase(version int64) bool { return version >= 0 && version <= MaxVersion }

func isVisible(s string, most int) bool {
	if s == "" || len(s) > most {
		return false
	}
	for _, c := range []byte(s) {
		if c < 0x21 || c > 0x7e {
			return false
		}
	}
	return true
}
