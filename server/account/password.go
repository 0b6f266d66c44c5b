package account

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/rollcall/rollcall/api"
)

// The cost of a password's hash, by OWASP's advice for argon2id.
const (
	argonTime    = 2
	argonMemory  = 19 << 10 // KiB
	argonThreads = 1
	saltBytes    = 16
	keyBytes     = 32
)

// Lengths of a password in code points.
const (
	MinPassword = 12
	MaxPassword = 200
)

// CheckPassword returns what is wrong with a new password of an account; nil for nothing.
// Length is what makes a password strong: no kinds of characters are asked for.
func CheckPassword(password string, of Account) *api.Problem {
	wrong := func(sentence string, found ...string) *api.Problem {
		return api.NewProblem(api.CodeInvalid, "Invalid password", "", api.Wrong("password", sentence, found...))
	}
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password):
		return wrong("{0} must be text in UTF-8")
	case n < MinPassword:
		return wrong(api.IsShortPassword, strconv.Itoa(MinPassword))
	case n > MaxPassword:
		return wrong(api.IsLongPassword, strconv.Itoa(MaxPassword))
	case guessable(password, of) || common(password):
		return wrong(api.IsGuessedPassword)
	}
	return nil
}

// guessable reports whether a password is what is tried first: one or two characters over and over, the
// account's own name, or the product's, with little else.
func guessable(password string, of Account) bool {
	text := strings.ToLower(password)
	var different []rune
	for _, r := range text {
		if !strings.ContainsRune(string(different), r) {
			different = append(different, r)
		}
	}
	if len(different) < 5 {
		return true
	}
	for _, name := range []string{of.Name, strings.ToLower(of.Display), "rollcall", "password", "passwort", "123456789", "qwertyuiop"} {
		if rest := strings.ReplaceAll(text, name, ""); len(name) > 2 && utf8.RuneCountInString(rest) < MinPassword/2 {
			return true
		}
	}
	return false
}

// HashPassword makes what is stored of a password, in the PHC string format. It takes 19 MiB
// and some 20 ms.
func HashPassword(password string) string {
	var salt [saltBytes]byte
	if _, err := rand.Read(salt[:]); err != nil {
		panic("read random bytes: " + err.Error()) // which crypto/rand rules out
	}
	key := argon2.IDKey(normal(password), salt[:], argonTime, argonMemory, argonThreads, keyBytes)
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads, encode(salt[:]), encode(key))
}

// normal is a password in the form that is hashed: keyboards differ in how they compose letters.
func normal(password string) []byte { return []byte(norm.NFKC.String(password)) }

// Bounds of the costs in a stored hash, which also says what they were.
const (
	maxArgonMemory = 256 << 10
	maxArgonTime   = 16
	maxThreads     = 4
)

// VerifyPassword reports whether a hash is that of a password. It takes as long for one that is
// not.
func VerifyPassword(stored, password string) bool {
	var version, memory, time, threads uint32
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false
	}
	_, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &time, &threads)
	if err != nil || version != argon2.Version || memory > maxArgonMemory || time < 1 || time > maxArgonTime || threads < 1 || threads > maxThreads {
		return false
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(want) < saltBytes || len(want) > 4*keyBytes {
		return false
	}
	got := argon2.IDKey(normal(password), salt, time, memory, uint8(threads), uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1
}
