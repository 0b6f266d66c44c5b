// Package jsonserver drives a backend that isn't ours with the engine: the npm
// package json-server, which has plain resources, and knows no versions, no clock, no
// idempotency keys and no feed. Its tests are behind the build tag e2e, because
// they need what `make e2e` installs.
package jsonserver
