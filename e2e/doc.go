// Package e2e tests the real binary in real browsers. Its tests need the build tag e2e and
// what `make e2e` builds and installs.
//
// Each test has servers and browsers of its own. They run beside each other, since most of
// the time they wait for a browser or for the product's pauses; only what compares times
// runs alone.
package e2e
