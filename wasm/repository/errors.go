package repository

import "errors"

// ErrNotFound says that neither the device nor the server has the entity.
var ErrNotFound = errors.New("not found")

// ErrNotReachable says that the entity is not on this device and the server
// could not be asked.
var ErrNotReachable = errors.New("not on this device, and the server can't be reached")
