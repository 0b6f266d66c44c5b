// Package sim plays whole histories of Rollcall in one process: several browsers,
// each with tabs and two hosts that share one storage, against the real server
// code, with time, network, storage and processes that fail as scripted. It is
// how the thirteen invariants of the design are shown to hold together.
//
//	seed ──Generate──▶ Script ──Play──▶ Result ── violation? ──Shrink──▶ short Script
//
// One seed is one history, the same each time. Everything that acts is a
// coroutine that pauses before each storage call, each lock and both ends of each
// request; a script's steps say who goes on next, and what befalls it there.
// Exactly one runs at a time, time is a number, and ids are counted, so nothing
// depends on the machine.
//
// A script is a list of steps, and a step that makes no sense where it stands does
// nothing. So every part of a script is a script, which is what makes shrinking
// simple: leave steps out, and look whether the violation stays.
//
// Who judges is far simpler than what is judged: truth is the server's history as
// the effects of operations on plain records, and ledger is each browser's list of
// operations with the only reasons for which one may go.
package sim
