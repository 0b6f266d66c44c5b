//go:build js && wasm

package idb

import "syscall/js"

// Raw is the store's open IDBDatabase, for tests that break it.
func (s *Store) Raw() js.Value { return s.conn.current() }
