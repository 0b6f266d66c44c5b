// Package repository is the one door between a user interface and the records on a
// device: Get, List, Watch, Create, Update and Delete of one type of record, and the
// outbox behind them.
//
// The device answers everything. A write returns once it and its operation are durable
// there; the engine sends it later, and Await returns the outcome. Only SyncAll, and Get
// of a record that is not on the device, wait for the network.
//
// Reads are live. Watch and WatchList send the current value and then a new one whenever
// it changes, whether by this page, another tab or the engine.
package repository
