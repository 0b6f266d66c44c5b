//go:build !linux && !js

package listen

import "syscall"

// setUserTimeout does nothing: only Linux has the setting.
func setUserTimeout(string, string, syscall.RawConn) error { return nil }
