// What a restore is asked to do besides following its plan. A plain value.
#pragma once
#include <optional>
#include <string>

#include "core/repo/maps/map_window.h"
#include "core/restore/hold_keeper.h"
#include "core/restore/own_files.h"
#include "core/restore/tablespace_map.h"
#include "core/restore/target.h"

namespace pitr {

struct RestoreOptions {
  std::string data_directory;
  TablespaceMap tablespace_map;
  bool recorded_tablespaces = false;  // root confirms the places that the backup and WAL name
  bool delta = false;                 // into an existing directory: keep what is right, remove what does not belong
  bool force = false;                 // with delta: even when the directory is of another cluster or has no pg_control
  // With delta: of files that are not the server's. By default they stay where the directory is of the same cluster.
  std::optional<Configuration> configuration;
  std::string wal_directory;  // what pg_wal is to be a link to; empty: pg_wal stays where and what it is (wal_place.h)
  int jobs = 4;
  size_t map_window_bytes = kMapWindowBytes;  // of the file map in memory at a time, about
  RecoveryMode mode = RecoveryMode::kRecover;
  bool as_copy = false;         // beside production: it does not archive, replicate or run jobs
  std::string restore_command;  // written to postgresql.auto.conf
  std::string program;          // pg_pitr as a word of a shell command, for recovery_end_command
  HoldOptions hold;             // against an expiry
};

}  // namespace pitr
