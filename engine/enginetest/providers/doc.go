// Package providers has servers that behave as those of big providers do where that
// differs from what the standard leads one to expect. Each is a few behaviours over the
// model server (package model), over pipes, so that a test in a synctest bubble costs no
// time. The facts that they are made of are those of engine/provider, with their sources;
// no server of a provider was ever asked in a test.
//
// They are as strict as what is known allows: the limit of messages is where users saw
// commands fail and not where it is announced, and a way that would cost a user mail is
// there to be taken.
package providers
