package account

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// Hash is the SHA-256 of a secret. A secret of 256 random bits can't be found by trying, so it
// needs no slow hash.
type Hash [sha256.Size]byte

// String is the hash as it is stored.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// ParseHash parses a stored hash.
func ParseHash(text string) (h Hash, ok bool) {
	b, err := hex.DecodeString(text)
	return h, err == nil && copy(h[:], b) == len(b) && len(b) == len(h)
}

// Secrets begin with their kind, so that one is recognised where it does not belong, by people
// and by scanners.
var prefixes = map[Kind]string{Session: "rollcall_s_", Token: "rollcall_t_", Link: "rollcall_l_"}

// secretBytes is how many random bytes a secret has.
const secretBytes = 32

// NewSecret makes a secret of a kind, and its hash.
func NewSecret(k Kind) (secret string, hash Hash) {
	var b [secretBytes]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic("read random bytes: " + err.Error()) // which crypto/rand rules out
	}
	secret = prefixes[k] + base64.RawURLEncoding.EncodeToString(b[:])
	return secret, HashOf(secret)
}

// HashOf is the hash of a secret.
func HashOf(secret string) Hash { return sha256.Sum256([]byte(secret)) }

// kindOf returns the kind that a text says it is a secret of, and whether it can be one.
func kindOf(secret string) (Kind, bool) {
	for kind, prefix := range prefixes {
		if body, ok := strings.CutPrefix(secret, prefix); ok {
			return kind, len(body) == base64.RawURLEncoding.EncodedLen(secretBytes)
		}
	}
	return "", false
}
