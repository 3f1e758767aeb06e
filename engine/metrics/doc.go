// Package metrics shows what the daemon does to Prometheus: counters that observations
// feed, and gauges that are read from the engine when they are asked for.
//
// Observing costs the owner of an account a few additions and never waits. Labels are
// names of the configuration (accounts, rules, actions, endpoints), names of watched
// mailboxes, and fixed words: nothing that a message holds becomes a label. What there
// is stands in one table, from which REFERENCE.md is made.
package metrics
