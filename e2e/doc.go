// Package e2e drives real browsers against the real binary. Its tests are behind
// the build tag e2e, because they need what `make e2e` builds and installs.
package e2e
