// Package godebug stands in for internal/godebug: a browser has no environment that sets
// GODEBUG, and the search for the setting that breaks a program is not for what is served.
package godebug

// Setting is one that has its default.
type Setting struct{ name string }

// New returns the setting of a name.
func New(name string) *Setting { return &Setting{name} }

// Name is the name.
func (s *Setting) Name() string { return s.name }

// Undocumented reports false.
func (s *Setting) Undocumented() bool { return false }

// String shows the setting as GODEBUG has it.
func (s *Setting) String() string { return s.name + "=" + s.Value() }

// Value is "", the default.
func (s *Setting) Value() string { return "" }

// IncNonDefault is never called: there is only the default.
func (s *Setting) IncNonDefault() {}
