// Package api is the wire contract between the sync engine, the user interface
// and the server: the shapes of docs/openapi.yaml, the limits both sides
// enforce, the validation both sides run, and the stable error codes.
//
// It has no I/O and no state, so that a form and a server that reject the same
// input do so with the same words.
package api
