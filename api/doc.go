// Package api is the contract between the sync engine, the user interface and the server: the
// types of docs/openapi.yaml, and the paths, limits, validation and error codes of both sides.
//
// It has no I/O and no state. A form and the server reject the same input with the same words.
package api
