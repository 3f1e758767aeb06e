package engine_test

// # Where each sentence is tested
//
// The cursor, as the design has it:
//
//	the handled set, gaps are never filled     TestScenarioGapsBecomeVisibleLate, TestPendingFiltersTheLastMessageAndKeepsGaps
//	"n:*" always returns the last              TestScenarioTheLastMessageIsListedForEver
//	the floor and the window                   TestTrimRaisesTheFloorAboveTheWindow
//	handled are the evaluated and the excluded TestExcludedMailIsRemembered, TestBacklogIsSearched
//	a UID whose items did not come is pending  TestScenarioListedBeforeItCanBeFetched, TestRegressionUnfetchedChains
//	reconcile hourly and at every reconnect    TestScenarioGapsBecomeVisibleLate
//	mail that comes during a cut               TestMailDuringACut
//	UIDVALIDITY changed: known, new, baseline  TestUIDValidityChange, TestMatchKnown, TestMatchKnownByEmailID
//	a server that rewrote dates and sizes      TestScenarioMigration
//	steps under way are bound to the new UID   TestScenarioMigration, TestRegressionRenumberedWhilePaused
//	UIDVALIDITY 0                              TestScenarioUIDValidityZero
//	an account that nothing is known of        TestScenarioLostState
//	a mailbox that appears                     TestScenarioFolderOfTheServersFilter
//	a mailbox that is deleted and made again   TestUIDValidityChange, TestRegressionTargetDeleted
//	a mailbox that is renamed                  TestScenarioRenamedFolder, TestScenarioRenamedAndReplacedFolder,
//	                                           TestScenarioRenamedAndRenumberedFolder, TestScenarioCopiedFolderIsNotRenamed
//	an import is held whole                    TestScenarioRestoredMailbox, TestImportIsHeld, TestRegressionImportCut
//	weeks offline are no import                TestScenarioThreeWeeksOffline
//	a journal from a backup                    TestScenarioRestoredJournal
//
// Recovery by looking, and loops:
//
//	identical deliveries, k copies             TestIdenticalDeliveries, TestAssignGivesEachCopyOnce, TestAssignByEmailID,
//	                                           TestCrashAtEveryStep ("copy, then another rule moves")
//	came back, by EMAILID or else              TestScenarioCameBackByEmailID, TestScenarioAnotherEmailIDIsAnotherMessage,
//	                                           TestScenarioTwinsOfOneEmailID, TestMovedBackByTheUser
//	and if that cannot be told now, it waits   TestScenarioCameBackWaits, TestCameBackWaitsForAllItsPlaces
//	without any identity never                 TestScenarioNoIdentityNeverComesBack
//	the user wins, before any limit            TestScenarioPingPongEndsWithTheUser
//	the limit of hops                          TestScenarioHopLimit, TestScenarioCameBackFromATargetMadeAnew
//	expected arrivals survive a crash          TestCrashAtEveryStep ("move into a watched mailbox", "... watched first")
//	and are their account's own                TestScenarioExpectedArrivalsOfOtherAccounts
