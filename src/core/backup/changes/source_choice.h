// Which change source an increment uses, and why. The cheapest one that is certain to be right: what WAL says, if it is
// known without a gap, else the pages themselves: by their LSNs in a cluster with data checksums, by content in
// another. A gap is never guessed over.
#pragma once
#include "core/backup/changes/change_source.h"
#include "core/repo/repository.h"

namespace pitr {

// The increment that is being taken, and what its server does.
struct ChangeRequest {
  const Repository& repository;
  const BackupManifest& parent;
  std::string data_directory;
  Lsn start_lsn;  // of the increment
  Timeline timeline;
  bool data_checksums = false;
  bool summarizes_wal = false;  // summarize_wal is on
  std::string wanted = "auto";  // setting change_source: auto, wal_summaries, change_maps, page_lsn, full_read
};

// origin() says what decided, and whether something was missing that should have been there. Waits for the server's
// summarizer while it gets on, and reads change maps and pg_wal. Errors: kCancelled.
Result<std::unique_ptr<ChangeSource>> ChooseChangeSource(const ChangeRequest& request, const OpContext& ctx);

}  // namespace pitr
