// Package url stands in for net/url. The program has its addresses from the browser, which has
// parsed them, and from itself: so none is wrong, and what is not escaped as it should be stays
// as it is.
package url

import (
	"slices"
	"strings"
)

// URL is [scheme:][//host][path][?query][#fragment].
type URL struct {
	Scheme   string
	Host     string // with the user and the port
	Path     string
	RawQuery string // without "?"
	Fragment string // without "#"

	escapedPath, escapedFragment string // as they were parsed
}

// Parse takes an address apart. It never fails.
func Parse(address string) (*URL, error) {
	var u URL
	address, u.escapedFragment, _ = strings.Cut(address, "#")
	address, u.RawQuery, _ = strings.Cut(address, "?")
	if i := strings.IndexAny(address, ":/"); i > 0 && address[i] == ':' {
		u.Scheme, address = strings.ToLower(address[:i]), address[i+1:]
	}
	if authority, ok := strings.CutPrefix(address, "//"); ok {
		end := strings.IndexByte(authority, '/')
		if end < 0 {
			end = len(authority)
		}
		u.Host, address = authority[:end], authority[end:]
	}
	u.escapedPath = address
	u.Path, u.Fragment = unescape(address, false), unescape(u.escapedFragment, false)
	return &u, nil
}

// String puts the address together.
func (u *URL) String() string {
	s := ""
	if u.Scheme != "" {
		s = u.Scheme + ":"
	}
	if u.Host != "" {
		s += "//" + u.Host
	}
	s += escaped(u.Path, u.escapedPath)
	if u.RawQuery != "" {
		s += "?" + u.RawQuery
	}
	if u.Fragment != "" {
		s += "#" + escaped(u.Fragment, u.escapedFragment)
	}
	return s
}

// escaped is a part of an address as it was parsed, unless it has changed since.
func escaped(part, parsed string) string {
	if unescape(parsed, false) == part {
		return parsed
	}
	return escape(part, "-_.~$&+,/:;=@")
}

// Query parses RawQuery.
func (u *URL) Query() Values {
	v := Values{}
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		if pair != "" {
			key, value, _ := strings.Cut(pair, "=")
			v.Add(unescape(key, true), unescape(value, true))
		}
	}
	return v
}

// Values are a query's or a form's, by name.
type Values map[string][]string

// Get is the first value of that name, or nothing.
func (v Values) Get(key string) string {
	if values := v[key]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// Has reports whether there is one of that name.
func (v Values) Has(key string) bool { _, ok := v[key]; return ok }

// Set replaces the values of that name.
func (v Values) Set(key, value string) { v[key] = []string{value} }

// Add adds a value of that name.
func (v Values) Add(key, value string) { v[key] = append(v[key], value) }

// Del removes the values of that name.
func (v Values) Del(key string) { delete(v, key) }

// Encode is the query, in the order of the names.
func (v Values) Encode() string {
	var keys, pairs []string
	for key := range v {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		for _, value := range v[key] {
			pairs = append(pairs, QueryEscape(key)+"="+QueryEscape(value))
		}
	}
	return strings.Join(pairs, "&")
}

// QueryEscape escapes a text for a query.
func QueryEscape(s string) string { return strings.ReplaceAll(escape(s, "-_.~ "), " ", "+") }

// PathEscape escapes a text for one step of a path.
func PathEscape(s string) string { return escape(s, "-_.~$&+=:@") }

// escape escapes all but letters, digits and what is in plain.
func escape(s, plain string) string {
	const digits = "0123456789ABCDEF"
	var b []byte
	for _, c := range []byte(s) {
		if '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || strings.IndexByte(plain, c) >= 0 {
			b = append(b, c)
		} else {
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return string(b)
}

func unescape(s string, plusIsSpace bool) string {
	var b []byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+' && plusIsSpace:
			b = append(b, ' ')
		case c == '%' && i+2 < len(s) && digit(s[i+1]) < 16 && digit(s[i+2]) < 16:
			b = append(b, digit(s[i+1])<<4|digit(s[i+2]))
			i += 2
		default:
			b = append(b, c)
		}
	}
	return string(b)
}

// digit is the value of a hexadecimal digit, or 16.
func digit(c byte) byte {
	switch lower := c | 0x20; {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= lower && lower <= 'f':
		return lower - 'a' + 10
	}
	return 16
}
