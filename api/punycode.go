package api

import (
	"errors"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

var (
	errLabel     = errors.New("not a label of a domain name")
	errLongLabel = errors.New("a label of over 63 characters")
)

// maxDomainLabel bounds a label, in its ASCII form (RFC 1035, section 2.3.4).
const maxDomainLabel = 63

const acePrefix = "xn--"

// aLabel is the ASCII form of a label of a domain name, in lower case (RFC 5891,
// section 4). It checks the characters by their kind only; golang.org/x/net/idna, which
// has the tables of all that may be registered, would add 39 kB to the program. A test
// holds it to that package.
func aLabel(label string) (string, error) {
	label = norm.NFC.String(strings.Map(unicode.ToLower, label))
	if utf8.RuneCountInString(label) > maxDomainLabel {
		return "", errLongLabel // the ASCII form is no shorter, and its cost is the square of the length
	}
	if rest, ok := strings.CutPrefix(label, acePrefix); ok {
		decoded, err := decodePunycode(rest)
		if err != nil || !isLabel(decoded) || isASCII(decoded) || norm.NFC.String(strings.Map(unicode.ToLower, decoded)) != decoded {
			return "", errLabel
		}
		return label, nil
	}
	switch {
	case !isLabel(label):
		return "", errLabel
	case isASCII(label):
		return label, nil
	}
	encoded, err := encodePunycode(label)
	return acePrefix + encoded, err
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// isLabel reports whether a label has only letters, marks, digits, hyphens, and the
// underscores that hosts have though they should not.
func isLabel(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		if r < utf8.RuneSelf {
			return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
		}
		return !unicode.In(r, unicode.L, unicode.M, unicode.N) && r != '·' && r != '・'
	})
}

// Parameters of Punycode (RFC 3492, section 5).
const (
	punyBase, punyMin, punyMax   = 36, 1, 26
	punySkew, punyDamp           = 38, 700
	punyInitialBias, punyInitial = 72, 0x80
)

// encodePunycode is the procedure of RFC 3492, section 6.3.
func encodePunycode(s string) (string, error) {
	var out strings.Builder
	for _, r := range s {
		if r < punyInitial {
			out.WriteRune(r)
		}
	}
	basic := out.Len()
	if basic > 0 {
		out.WriteByte('-')
	}
	n, delta, bias := rune(punyInitial), 0, punyInitialBias
	for done := basic; done < utf8.RuneCountInString(s); {
		next := rune(unicode.MaxRune)
		for _, r := range s {
			if r >= n {
				next = min(next, r)
			}
		}
		if int(next-n) > (math.MaxInt32-delta)/(done+1) {
			return "", errLabel
		}
		delta += int(next-n) * (done + 1)
		n = next
		for _, r := range s {
			if r < n {
				delta++
			}
			if r == n {
				writeVariable(&out, delta, bias)
				bias = adaptBias(delta, done+1, done == basic)
				delta = 0
				done++
			}
		}
		delta++
		n++
	}
	return out.String(), nil
}

func writeVariable(out *strings.Builder, q, bias int) {
	for k := punyBase; ; k += punyBase {
		t := min(max(k-bias, punyMin), punyMax)
		if q < t {
			out.WriteByte(punyDigits[q])
			return
		}
		out.WriteByte(punyDigits[t+(q-t)%(punyBase-t)])
		q = (q - t) / (punyBase - t)
	}
}

const punyDigits = "abcdefghijklmnopqrstuvwxyz0123456789"

func adaptBias(delta, points int, first bool) int {
	if first {
		delta /= punyDamp
	} else {
		delta /= 2
	}
	delta += delta / points
	k := 0
	for ; delta > (punyBase-punyMin)*punyMax/2; k += punyBase {
		delta /= punyBase - punyMin
	}
	return k + (punyBase-punyMin+1)*delta/(delta+punySkew)
}

// decodePunycode is the procedure of RFC 3492, section 6.2.
func decodePunycode(s string) (string, error) {
	var out []rune
	if at := strings.LastIndexByte(s, '-'); at >= 0 {
		out, s = []rune(s[:at]), s[at+1:]
	}
	n, i, bias := punyInitial, 0, punyInitialBias
	for s != "" {
		before, weight := i, 1
		for k := punyBase; ; k += punyBase {
			if s == "" {
				return "", errLabel
			}
			digit := strings.IndexByte(punyDigits, s[0])
			s = s[1:]
			if digit < 0 || digit > (math.MaxInt32-i)/weight {
				return "", errLabel
			}
			i += digit * weight
			t := min(max(k-bias, punyMin), punyMax)
			if digit < t {
				break
			}
			if weight > math.MaxInt32/(punyBase-t) {
				return "", errLabel
			}
			weight *= punyBase - t
		}
		bias = adaptBias(i-before, len(out)+1, before == 0)
		n += i / (len(out) + 1)
		i %= len(out) + 1
		if n > unicode.MaxRune || n >= 0xD800 && n <= 0xDFFF {
			return "", errLabel
		}
		out = append(out[:i], append([]rune{rune(n)}, out[i:]...)...)
		i++
	}
	return string(out), nil
}
