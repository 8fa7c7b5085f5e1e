// What this server is and does, asked without a transaction. Main thread.
#pragma once
#include <optional>
#include <string>

#include "core/repo/repository.h"
#include "core/restore/branch_choice.h"

namespace pitr::server {

ClusterIdentity ServerIdentity();

// The timeline the server writes; invalid during recovery.
Timeline WrittenTimeline();

// True when pg_control says that the server is shutting down or has done so: the archiver is then in its last cycle,
// and the whole shutdown waits for it. pgarch.c keeps that fact to itself. False when pg_control cannot be read.
bool ServerIsShuttingDown();

// Whether the server itself keeps track of changed blocks (summarize_wal): never before 17.
bool SummarizesWal();

// The timeline that the server writes, or in recovery the one that it replays; nullopt when it has not begun to.
std::optional<Timeline> OwnTimeline();

// When a server that writes a timeline was started; 0 during recovery.
int64_t WriterStartMicros();

// How far the server's WAL goes: written, or in recovery replayed.
Lsn WalPosition();

// What a server that writes has used; nothing during recovery.
OwnPosition WriterPosition();

// "15.18"
std::string ServerVersion();

}  // namespace pitr::server
