//go:build js && wasm

// Package browser adapts the browser's APIs, except IndexedDB, to Go: fetch, Web Locks,
// BroadcastChannel, EventSource, online and visibility events, storage quota, Background
// Sync, and the little of the DOM that a page needs.
//
// It makes no decisions. Where the browser lacks an API, an adapter returns an error or
// does nothing, as its comment says.
package browser
