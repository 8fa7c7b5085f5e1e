#include "faults/child.h"

#include <cstdio>
#include <cstdlib>
#include <string>

#include "cli/exit_code.h"
#include "cli/verbs.h"
#include "core/backup/backup_session.h"
#include "core/base/log.h"
#include "core/config/settings_file.h"
#include "core/repo/opening/open_repository.h"
#include "core/restore/restorer.h"
#include "faults/world.h"

namespace pitr::faults {
namespace {

Result<std::unique_ptr<Repository>> OpenBySettings(const std::string& path) {
  PITR_ASSIGN(const Config config, LoadSettingsFile(path));
  return OpenRepository(config, NullLog(), OpContext());
}

Status Copy(BackupSession& session, char** argv) {
  const uint64_t first = strtoull(argv[4], nullptr, 10);
  BackupStart start;
  start.data_directory = std::string(argv[3]) + "/";
  start.start_lsn = {first * kSegmentBytes + 40};
  start.timeline = Timeline{1};
  start.server_version = "15.18";
  start.data_checksums = true;
  start.start_micros = strtoll(argv[5], nullptr, 10) * 1000000;
  Progress progress;
  PITR_TRY(session.CopyFiles(start, progress, OpContext()));
  BackupStop stop;
  stop.stop_lsn = {(first + 1) * kSegmentBytes + 0x100};
  stop.stop_timeline = Timeline{1};
  stop.stop_micros = start.start_micros + 500000;
  stop.backup_label = "START WAL LOCATION: " + start.start_lsn.ToString() + " (file " + SegmentName(first) +
                      ")\nCHECKPOINT LOCATION: " + start.start_lsn.ToString() +
                      "\nBACKUP METHOD: streamed\nBACKUP FROM: primary\nSTART TIME: 2026-05-22 09:00:14 UTC\nLABEL: "
                      "pg_pitr\nSTART TIMELINE: 1\n";
  return session.Finish(stop, OpContext()).status();
}

// argv from SETTINGS's successor on.
Status TakeBackup(const Repository& repository, char** argv) {
  BackupOptions options;
  options.label = argv[1];
  options.type = std::string(argv[2]) == "incr" ? BackupType::kIncr : BackupType::kFull;
  options.timeline = Timeline{1};
  options.data_directory = argv[3];
  options.change_source = "full_read";
  options.record_after_millis = 0;
  PITR_ASSIGN(const auto session, BackupSession::Begin(repository, options, OpContext()));
  Status status = Copy(*session, argv);
  if (!status.ok()) (void)session->Abandon(OpContext());
  return status;
}

Status Restore(const Repository& repository, const std::string& label, const std::string& directory) {
  RestorePlan plan;
  PITR_ASSIGN(plan.backup, ReadManifest(repository, label, OpContext()));
  plan.target_timeline = Timeline{1};
  RestoreOptions options;
  options.data_directory = directory;
  options.restore_command = "pg_pitr wal-get \"%f\" \"%p\"";
  Progress progress;
  return RunRestore(repository, plan, options, progress, OpContext()).status();
}

Status Run(const std::string& verb, char** argv) {
  PITR_ASSIGN(const auto repository, OpenBySettings(argv[0]));
  return verb == "backup" ? TakeBackup(*repository, argv) : Restore(*repository, argv[1], argv[2]);
}

}  // namespace

int RunChild(int argc, char** argv) {
  const std::string verb = argv[0];
  if (verb == "cli") return cli::RunCommandLine(argc, argv);
  return cli::ExitOf(Run(verb, argv + 1));
}

}  // namespace pitr::faults
