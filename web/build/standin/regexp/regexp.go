// Package regexp stands in for the standard library's. go-app's only pattern is the one that
// matches every path.
package regexp

// Regexp matches everything.
type Regexp struct{}

// MustCompile panics with any pattern but the one of package app.
func MustCompile(pattern string) *Regexp {
	if pattern != ".*" {
		panic("this program's regexp knows only .*, not " + pattern)
	}
	return &Regexp{}
}

// MatchString reports true.
func (*Regexp) MatchString(string) bool { return true }
