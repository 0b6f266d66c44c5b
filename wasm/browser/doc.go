//go:build js && wasm

// Package browser is the thin layer over what the browser offers beside
// IndexedDB: fetch, Web Locks, BroadcastChannel, EventSource, online and
// visibility events, storage quota, Background Sync, and the little of the DOM
// that a page needs. It decides nothing.
package browser
