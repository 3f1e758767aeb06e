// Command mutations proves that the safeguards are guarded: that a test fails
// when one of them is taken away.
//
// Each file patches/*.patch takes one safeguard away. Its head says in three
// lines what it takes away and which test must notice:
//
//	Safeguard: the wait for COPY's OK
//	Package: ./actions
//	Test: ^TestRefusals$
//
// Run it in the root of the repository, with the names of patches or without
// any, for all of them (make mutations):
//
//	go run ./engine/enginetest/mutations [name ...]
//
// The tree is not touched: the changed files are handed to the compiler as an
// overlay. For each patch it prints whether the test passes without the patch
// and fails with it, which is "red". It fails when a patch does not apply any
// more, does not compile, or leaves the test green, and when the test was cut
// off by its time or by a crash instead of failing.
//
// That each patch still applies and names a test is part of every test run.
package main
