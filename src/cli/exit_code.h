// Exit codes of the binary, and the one way errors reach the terminal (docs/reference.md, "Exit codes").
#pragma once
#include "core/base/status.h"

namespace pitr::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;     // what was asked for did not work, or a check did not pass
inline constexpr int kExitUsage = 2;      // the command line or a setting is wrong
inline constexpr int kExitCancelled = 3;  // stopped by SIGINT or SIGTERM
inline constexpr int kExitDamage = 4;     // verify: something in the repository is damaged or missing

// wal-get speaks to PostgreSQL: 1 says that the file is confirmed absent, which ends recovery; above 125 the server
// stops instead.
inline constexpr int kWalGetAbsent = 1;
inline constexpr int kWalGetUnavailable = 200;    // the store did not answer, after retries
inline constexpr int kWalGetCorrupt = 201;        // stored bytes are damaged
inline constexpr int kWalGetPermission = 202;     // the store or the disk refused
inline constexpr int kWalGetConfiguration = 203;  // command line or settings
inline constexpr int kWalGetConflict = 204;       // of another cluster, or not for this server
inline constexpr int kWalGetInternal = 205;
inline constexpr int kWalGetSignalBase = 128;  // plus the signal's number: 130, 143

// Writes "pg_pitr: error: ...", DETAIL and HINT to stderr.
void PrintError(const Status& status);
// The code to exit with; prints the error when there is one. kCancelled and kInvalidArgument have their own.
int ExitOf(const Status& status);

int WalGetExitCode(const Status& status);

}  // namespace pitr::cli
