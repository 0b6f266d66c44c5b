// Package jsonserver tests the engine against a foreign backend, the npm package json-server:
// plain resources without versions, clock, idempotency keys or feed. Its tests need the build
// tag e2e and what `make e2e` installs.
package jsonserver
