// Package e2e tests the real binary in real browsers. Its tests need the build tag e2e and
// what `make e2e` builds and installs.
package e2e
