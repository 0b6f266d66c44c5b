// Package sim plays whole histories of Rollcall in one process: several browsers, each with
// tabs and two hosts on one storage, against the real server code, while time, network,
// storage and processes fail as scripted. It checks that the invariants of
// docs/ARCHITECTURE.md hold together.
//
// As in the product, each process has a replica of its own (wasm/replica) over the browser's
// database, here memdb. Replicas tell each other what they have saved, and all checks read
// another one, the witness, which asks the database whenever it has changed. In half of the
// browsers the log goes into the base early and by tiny pages, so that pages split and join,
// directories are replaced under those who use them, and steps are cut off.
//
//	seed ──Generate──▶ Script ──Play──▶ Result ── violation? ──Shrink──▶ short Script
//
// A seed always makes the same history. Everything that acts is a coroutine (an actor) that
// pauses before each storage call, before each further transaction of one, before each lock and
// at both ends of each request. A script's steps
// say which actor runs next and which fault to inject. A tab's background work is an actor of
// its own. One actor runs at a time, time is a number and ids are counted, so nothing depends
// on the machine.
//
// In a fifth of the histories the server has accounts, from the beginning or after a while: its own
// gate, its own decisions, and a truth of its own to hold them to (accounts). A browser is then what
// an account has on a device: database, channel, locks, tabs and hosts by the names of
// directory.NamesOf. A device has one cookie, one note of whose data a page loads, and a browser for
// nobody and for each account that was there. What a page does about that is package app's and
// JavaScript's in the product, and device.go's and signin.go's here; how it asks the server is
// package signin's, and how it takes over nobody's work package repository's.
//
// A step that makes no sense in its place does nothing. So every subset of a script is a
// script, which makes shrinking simple: drop steps, and see whether the violation stays.
//
// The checks are far simpler than the code they check: model is the server's history as
// effects of operations on plain records, and checker is a browser's list of operations with
// the only reasons for which one may leave it.
//
// # Faults
//
// A fault strikes at a pause; an event is a step of its own. Each history draws which of them
// it has, and how often: a fault at 0.1 % to 50 % of its pauses, an event at 0.3 to 8 times
// the rate given below, in thousandths of the steps. requiredFaults lists what counts as each;
// a run of 2,000 histories fails if one never happened.
//
//	request lost                     fault lost
//	answer lost after the commit     faults answer-lost, answered-500, answered-502
//	delay                            faults late, delayed; steps take up to 3 s, Wait (30) up to 2 h
//	reordering                       faults late and echo with Deliver (20), shuffled, old-copy
//	duplication                      faults twice, echo
//	partition                        Offline (4) until Online: nothing passes, or only requests
//	5xx, 408                         faults 500, 502, 503, 408
//	429 with Retry-After             fault 429
//	401 for a while                  SignOut (2) until SignIn
//	too large for a proxy            a limit on bodies, in a sixth of the histories
//	truncated body                   fault truncated
//	captive portal                   faults portal, portal403
//	server dies before the answer    fault server-died: killed, and reopened on the files it left
//	server restarted                 Restart (5)
//	client killed at any step        Kill (20), Crash (4)
//	frozen, with or without the lock Freeze (20) until Thaw
//	bus messages lost                Mute (10): a waiter misses the heartbeats of a living holder.
//	                                 Otherwise rounds begin at random, whatever the bus carried
//	records between replicas lost,   10, 30 or 80 % in three fifths of the browsers; a hash of the seed,
//	late, doubled, out of order      the record and its receiver decides
//	events lost, late, doubled,      in half of the browsers; 30 or 80 % arrive at once, the others with
//	out of order, in a round         Tell (40) or never, and a quarter are one with the next
//	lock stolen without notification fault deaf
//	transaction aborted, or run twice  faults aborted, rerun
//	quota exceeded                   fault quota; twice in a row it costs a write's browser rows
//	commit unknown                   faults uncertain-saved, uncertain-lost
//	storage evicted                  Evict (2)
//	storage corrupted                Corrupt (20), in the fifth of the histories that has digests: lines of
//	                                 rows, of directories, and one of the two copies of the state
//	clocks jump and drift            Jump (12) by seconds to years; drift of up to 200 ppm
//	tombstones, records collected    Collect (6), Prune (3)
//	sessions end                     Revoke (6), Expire (3), Disable (4), by a sign-in (Login, 20, or who
//	                                 sees that they have to) or sign-out (Logout, 10), in every process
//	roles change                     Role (10) between viewer and editor
//	accounts change under tabs       the others go on until Follow (60), a frozen one for as long; hosts and
//	                                 the service worker too
//	nobody's work                    asked about after a sign-in; Claim (50) answers
//	the first account                Close (10) of an open server
//	tabs of before there were        old hosts and tabs that have nobody's data don't say whose they are
//	accounts
//	backup restored                  Backup (4), Restore (3)
//	data went back in time           Rollback (3)
//	two engine versions at once      old hosts (no stamps, no digests) and old tabs (no stamps, no
//	                                 coalesced updates, no outcomes) beside new ones on one storage
//
// # Where the invariants are checked
//
//	 1 atomic write        accepted in person.go: an accepted write is visible, a refused one
//	                       changed nothing
//	 2 nothing leaves      checker: checkRound, checkPerson, checkConflict, checkLosses,
//	   silently            checkFolded, checkUntouched, checkAttempts, checkRecorded; checkOutcomes
//	 3 exactly once        model: checkEffect, observe; checker: checkBatch; checkServer
//	 4 order per entity    model: checkOrder; checker: checkBatch; that none blocks others: heal
//	 5 rebase              checkVisible after each transaction; checker: checkBase; model: checkEffect
//	 6 no skipped change   checkCursor after each page; checkKnown: no page, event or fetched row
//	                       brings back less than the browser has known, also by an answer
//	 7 the dead stay dead  model: checkEffect; checkReplica, checkRows
//	 8 convergence         heal, checkReplica, checkQueue, checkHealth; model: checkCurrent
//	 9 clocks              checker: checkStamp; model: checkEffect; TestWrongClocksDecideNoConflict
//	10 one round at a time BeginRound, inRound; checkWaits: a frozen holder delays by seconds,
//	                       a dead one not at all
//	11 killable anywhere   kills at every kind of pause, under all of these; half of the
//	                       histories end with new processes, which know only the storage;
//	                       checkReplicas: what replicas have come to is what a new one reads
//	12 bounded             checkRequest in network.go: bodies, batches, pages, requests in a round,
//	                       none within a transaction; checker: delays of operations
//	13 leaving loses       checker: checkPerson, checkUntouched (also by a resync), checkRecorded
//	   nothing
//	14 what was overwritten  checker: checkUnseen, noteSeen, checkBase
//	   was seen
//	15 each as themselves  accounts: checkWrites (what is stored), checkAnswer (what is read), noteMaker
//	                       (what comes into a queue); checkWaits
//	16 only who may        accounts: checkWrites, checkAnswer, checkSession
//
// That the end of a session loses nothing is 2, 3, 8 and 13: each account signs in again before the
// end, and someone takes over what is nobody's (heal, settle); delete checks what goes with a sign-out.
//
// The model also checks that emails are unique, and the checker (checkEmailOrder) that none is
// taken before the write that frees it.
//
// # Running it
//
//	go test ./sim                                   2,000 histories, and the golden scripts; 200 with -race
//	make sim HISTORIES=1000000 FIRST=5000001        many, with a line and statistics each minute
//	go test ./sim -run TestReplay -seed=N -v        one again; shrinks a violation and logs it
//	make defects                                    each safeguard taken out, and how soon that shows
//
// A violation is printed with its seed, its shortened script and a log. A script that showed
// a defect stays in testdata.
//
// # Defects
//
// The simulator must notice that a safeguard is missing. Each that can be taken out has
// a file in sim/defects, named after what is wrong without it. Most are patches, of which
// make defects builds copies of the product. Those of what the engine relies on, its
// locks and its store, are ports that don't keep their contract: broken.go puts them
// into an engine when the defect of their name is on. A golden script has the name of
// the defect that it shows; after make defects
//
//	go test -overlay .cache/defects/overlay.json ./sim -run TestDefects -only=NAME -golden
//
// writes one.
package sim
